// SPDX-License-Identifier: Apache-2.0

/// Frames the content of one message from HTTP/2 for HTTP/1.1: as it is where its length was announced, else in chunks, which
/// also carry the trailers.
public struct HTTP1ContentWriter: Sendable, Hashable {
    enum Framing: Sendable, Hashable { case none, length, chunked }

    let framing: Framing
    /// As it was announced.
    public let length: UInt64?

    /// Whether the head is to wait for what comes next, since a length of zero was announced and the end has yet to come: over
    /// HTTP/1.1 it would be a whole request already, and content that contradicts it could no longer be refused (RFC 9113
    /// §8.1.1).
    public let headWaits: Bool

    init(framing: Framing, length: UInt64? = nil, headWaits: Bool = false) {
        self.framing = framing
        self.length = length
        self.headWaits = headWaits
    }

    /// What goes before so many bytes of content, at least one.
    public func prefix(_ count: Int) -> [UInt8] {
        guard framing == .chunked else { return [] }
        return Array(String(count, radix: 16).utf8) + [ASCII.cr, ASCII.lf]
    }

    /// What goes behind a piece of content.
    public var suffix: [UInt8] { framing == .chunked ? [ASCII.cr, ASCII.lf] : [] }

    /// What ends the message. Trailers that HTTP/1.1 does not take as such (RFC 9110 §6.5.1), and those of a message whose
    /// length was announced, are left out.
    ///
    /// - Throws: where one is malformed.
    public func end(
        trailers: some Sequence<(name: String, value: String)>
    ) throws(HTTP2Fault) -> [UInt8] {
        var bytes = Array("0\r\n".utf8)
        for (name, value) in trailers {
            guard !name.hasPrefix(":") else { throw .badPseudoField }
            if try HTTP2FieldRules.check(name: name, value: value) == .other { bytes.append(name, value) }
        }
        guard framing == .chunked else { return [] }
        return bytes + [ASCII.cr, ASCII.lf]
    }

    /// Writes a piece of content as HTTP/1.1 has it.
    ///
    /// - Parameter isLast: the message ends behind it, without trailers.
    func write(_ piece: UnsafeRawBufferPointer, isLast: Bool, to stage: ByteStage) {
        _ = stage.write(atMost: piece.count + Self.frameBytes) { writer in
            guard framing == .chunked else { return writer.append(piece) }
            if !piece.isEmpty {
                writer.appendChunkSize(piece.count)
                writer.append(piece)
                writer.append("\r\n")
            }
            if isLast { writer.append("0\r\n\r\n") }
        }
    }

    /// Around a piece, at most: its size and three line ends, the last chunk and its two.
    private static let frameBytes = 16 + 6 + 5

    /// What ends a message without trailers.
    public var end: [UInt8] { framing == .chunked ? Array("0\r\n\r\n".utf8) : [] }
}

extension ByteWriter {
    /// In hexadecimal, without leading zeros, and the end of its line.
    fileprivate mutating func appendChunkSize(_ count: Int) {
        let digits = max((Int.bitWidth - count.leadingZeroBitCount + 3) / 4, 1)
        append(hex: UInt64(count), digits: digits)
        append("\r\n")
    }
}

extension [UInt8] {
    /// A field line. Neither part may carry a line break.
    mutating func append(_ name: String, _ value: String) {
        append(contentsOf: name.utf8)
        append(ASCII.colon)
        append(ASCII.space)
        append(contentsOf: value.utf8)
        append(ASCII.cr)
        append(ASCII.lf)
    }
}
