// SPDX-License-Identifier: Apache-2.0

/// `uri-host [ ":" port ]` (RFC 9110 §7.2), held narrower than the grammar: names of letters, digits, `-`, `_` and
/// dots, or an IP literal in brackets; no percent-encoding, no empty labels, no empty port.
struct HostValue: Equatable {
    /// The name without port and without the dot that may end it, or the address with its brackets.
    let name: ByteRange
    /// All of it, as it was sent.
    let authority: ByteRange
    let port: UInt16?

    /// The longest host name there is (RFC 1035 §2.3.4).
    static let longestName = 255

    init(_ authority: ByteRange, in bytes: UnsafeRawBufferPointer) throws(HTTPFault) {
        let text = bytes[authority]
        guard let first = text.first else { throw .badHost }
        let nameEnd = first == ASCII.openBracket ? try Self.literalEnd(text) : try Self.nameEnd(text)
        guard nameEnd <= Self.longestName else { throw .badHost }

        port = try Self.port(text, from: nameEnd)
        let endsInDot = nameEnd > 1 && text[nameEnd - 1] == ASCII.dot
        name = ByteRange(authority.lowerBound, authority.lowerBound + nameEnd - (endsInDot ? 1 : 0))
        self.authority = authority
    }

    private static func nameEnd(_ text: UnsafeRawBufferPointer) throws(HTTPFault) -> Int {
        var end = 0
        var previous = ASCII.dot
        while end < text.count, ASCII.isHostName(text[end]) {
            if text[end] == ASCII.dot, previous == ASCII.dot { throw .badHost }
            previous = text[end]
            end += 1
        }
        guard end > 0 else { throw .badHost }
        return end
    }

    private static func literalEnd(_ text: UnsafeRawBufferPointer) throws(HTTPFault) -> Int {
        var end = 1
        while end < text.count,
            ASCII.hexValue(text[end]) != nil || text[end] == ASCII.colon || text[end] == ASCII.dot
        { end += 1 }
        guard end > 2, end < text.count, text[end] == ASCII.closeBracket else { throw .badHost }
        return end + 1
    }

    private static func port(_ text: UnsafeRawBufferPointer, from start: Int) throws(HTTPFault) -> UInt16? {
        guard start < text.count else { return nil }
        guard text[start] == ASCII.colon, 1...5 ~= text.count - start - 1,
            let number = text[ByteRange(start + 1, text.count)].decimal(),
            let port = UInt16(exactly: number)
        else { throw .badHost }
        return port
    }

    /// Whether both name the same host and port; a port left out is `defaultPort`.
    func agrees(with other: HostValue, in bytes: UnsafeRawBufferPointer, defaultPort: UInt16) -> Bool {
        (port ?? defaultPort) == (other.port ?? defaultPort) && bytes[name].equalsIgnoringCase(bytes[other.name])
    }
}
