// SPDX-License-Identifier: Apache-2.0

/// A pattern of segments, taken apart. Names of parameters are checked and forgotten: templates that differ in them
/// only are the same place.
struct PathTemplate: Hashable {
    enum Segment: Hashable {
        case literal([UInt8])
        /// A parameter with literal text around it, such as `{id}.json` or `v{version}`.
        case affixed(prefix: [UInt8], suffix: [UInt8])
        case parameter
        /// `{name+}`.
        case greedy
    }

    /// Bounds the depth of a search; more than a pattern of 2 KiB can have.
    static let mostSegments = 1024

    let segments: [Segment]

    init(_ text: String, allowsParameters: Bool) throws(RouteTable.Fault.Reason) {
        guard text.utf8.first == ASCII.slash else { throw .notAbsolute }
        let parts = text.utf8.dropFirst().split(separator: ASCII.slash, omittingEmptySubsequences: false)
        guard parts.count <= Self.mostSegments else { throw .tooManySegments }
        var segments: [Segment] = []
        for (position, part) in parts.enumerated() {
            guard !part.isEmpty || position == parts.count - 1 else { throw .emptySegment }
            segments.append(try Self.segment(Array(part), allowsParameters: allowsParameters))
        }
        guard segments.count(where: { $0 == .greedy }) <= 1 else { throw .severalGreedyParameters }
        self.segments = segments
    }

    /// The literal segments, where there are no others.
    var literals: [[UInt8]] {
        segments.compactMap { if case .literal(let text) = $0 { text } else { nil } }
    }

    private static func segment(
        _ text: [UInt8], allowsParameters: Bool
    ) throws(RouteTable.Fault.Reason) -> Segment {
        guard allowsParameters, text.contains(where: isBrace) else { return .literal(try literal(text)) }
        guard let open = text.firstIndex(where: isBrace), let close = text.lastIndex(where: isBrace), open < close,
            text[open] == UInt8(ascii: "{"), text[close] == UInt8(ascii: "}"), text.count(where: isBrace) == 2
        else { throw .badParameter }

        var name = text[(open + 1)..<close]
        let isGreedy = name.last == UInt8(ascii: "+")
        if isGreedy { name = name.dropLast() }
        // `_`, `-` and `.` as well as letters and digits.
        guard !name.isEmpty, name.allSatisfy(ASCII.isHostName) else { throw .badParameter }

        let prefix = try fragment(Array(text[..<open]))
        let suffix = try fragment(Array(text[(close + 1)...]))
        guard !prefix.isEmpty || !suffix.isEmpty else { return isGreedy ? .greedy : .parameter }
        guard !isGreedy else { throw .badParameter }
        return .affixed(prefix: prefix, suffix: suffix)
    }

    private static func literal(_ text: [UInt8]) throws(RouteTable.Fault.Reason) -> [UInt8] {
        let literal = try fragment(text)
        guard literal != [ASCII.dot], literal != [ASCII.dot, ASCII.dot] else { throw .dotSegment }
        return literal
    }

    /// Literal text in the form that paths have.
    private static func fragment(_ text: [UInt8]) throws(RouteTable.Fault.Reason) -> [UInt8] {
        var encoded: [UInt8] = []
        for byte in text {
            guard byte >= 0x80 else {
                encoded.append(byte)
                continue
            }
            encoded += [ASCII.percent, ASCII.upperHexDigit(byte >> 4), ASCII.upperHexDigit(byte & 15)]
        }
        do {
            return try encoded.withUnsafeBytes { bytes throws(HTTPFault) in
                try PathNormaliser.normalised(segment: bytes)
            }
        } catch {
            throw .badCharacter
        }
    }

    private static func isBrace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}") }
}
