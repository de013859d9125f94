// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

@testable import TurnpikeProxyCore

extension FuzzTarget {
    // MARK: - Paths

    /// A path in order stays as it is, has nothing that could be read in two ways, and nothing that climbs.
    static func checkPath(_ bytes: [UInt8]) throws {
        guard let path = normalised(bytes) else { return }
        try require(normalised(path) == path, "another path the second time: \(path.text) from \(bytes.text)")
        try require(path.first == ASCII.slash, "no slash at the front")
        try require(path.allSatisfy { 0x21...0x7E ~= $0 }, "what no request line can carry: \(path.text)")
        try require(!path.contains { "?#\\\"<>^`{|}".utf8.contains($0) }, "what no path can carry: \(path.text)")
        let segments = path.dropFirst().split(separator: ASCII.slash, omittingEmptySubsequences: false)
        for (place, segment) in segments.enumerated() {
            try require(!segment.isEmpty || place == segments.count - 1, "a doubled slash: \(path.text)")
            let name = segment.prefix { $0 != ASCII.semicolon }
            try require(![".", ".."].contains(String(decoding: name, as: UTF8.self)), "a dot segment: \(path.text)")
        }
        let text = path.text.uppercased()
        for escape in ["%2F", "%5C", "%2E", "%00", "%0A", "%0D", "%7F"] {
            try require(!text.contains(escape), "\(escape) in \(path.text)")
        }
    }

    private static func normalised(_ bytes: [UInt8]) -> [UInt8]? {
        var normaliser = PathNormaliser()
        return bytes.withUnsafeBytes { bytes in
            let outcome = normaliser.normalise(bytes)
            return normaliser.withPath(outcome, of: bytes) { Array($0) }
        }
    }

    // MARK: - Conditions

    /// The first part is a condition, the second a request: what was read is written so that it is read again, and whatever is
    /// asked is answered yes or no, its opposite the other way round.
    static func checkCondition(_ bytes: [UInt8]) throws {
        let parts = bytes.parts
        guard let condition = try? Condition(parts[0].text) else { return }
        let written = condition.expression.description
        if written.utf8.count <= Condition.longestText {
            do {
                let again = try Condition(written).expression
                try require(again == condition.expression, "read again as another: \(written)")
            } catch let fault as Condition.Fault {
                throw Broken("what was read is written as \(written): \(fault)")
            }
        }
        guard let program = try? ConditionProgram([condition.expression]),
            let opposite = try? ConditionProgram([.not(condition.expression)])
        else { return }
        var request = parts.count > 1 ? parts[1] : []
        request += "GET /a?b=c HTTP/1.1\r\nHost: a.test\r\nCookie: a=b; c\r\n\r\n".utf8
        try request.withUnsafeBytes { bytes in
            var parser = RequestParser()
            var head = RequestHead()
            guard case .complete = parser.parse(bytes, into: &head) else { return }
            let facts = RequestFacts(
                head, bytes, path: bytes[head.path], address: IPAddress("192.0.2.7"), scratch: ByteStage())
            let holds = program.holds(for: facts)
            try require((program.failure(for: facts) == nil) == holds, "holds, and fails: \(written)")
            try require(opposite.holds(for: facts) != holds, "neither holds nor its opposite: \(written)")
        }
    }
}
