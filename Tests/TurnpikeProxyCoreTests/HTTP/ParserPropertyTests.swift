// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeProxyCore
import TurnpikeTestSupport

/// Parsing does not depend on how the bytes arrive, and no bytes make it go wrong.
@Suite struct ParserPropertyTests {
    static let requests: [Wire] = [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest",
        "\r\nPOST /v1/x?y=z HTTP/1.1\r\nHost: a.test:80\r\nContent-Length: 3\r\nConnection: close, x-a\r\n\r\nabc",
        "PUT http://a.test/x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
        "GET /x HTTP/1.0\r\nConnection: keep-alive\r\nX: \u{E9}\t.\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
        "GET / HTTP/3.1\r\n\r\n",
        Wire("GET /" + String(repeating: "x", count: 200) + " HTTP/1.1\r\nHost: a\r\n\r\n"),
        Wire("GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "x", count: 400) + "\r\n\r\n"),
    ]
    static let limits = HeadLimits(startLineBytes: 128, fieldCount: 8, headBytes: 256)

    @Test(arguments: requests)
    func `a request that comes byte by byte is the same request`(wire: Wire) {
        let text = wire.text
        let whole = ParsedRequest(text, limits: Self.limits)
        let bytewise = ParsedRequest(text, lengths: Array(0...text.utf8.count), limits: Self.limits)
        expectSame(whole, bytewise, seed: 0)
    }

    @Test(arguments: UInt64(0)..<200)
    func `a damaged request in pieces is the same request`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var bytes = Array(Self.requests.randomElement(using: &random)!.text.utf8)
        let interesting: [UInt8] = Array("\r\n\t :;,/?#%*\u{0}\u{7F}Aa0".utf8) + [0x80, 0xFF]
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            let position = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes[position] = interesting.randomElement(using: &random)!
            case 1: bytes.insert(interesting.randomElement(using: &random)!, at: position)
            default: bytes.remove(at: position)
            }
        }
        let lengths = (0..<6).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
        expectSame(
            ParsedRequest(bytes, limits: Self.limits), ParsedRequest(bytes, lengths: lengths, limits: Self.limits),
            seed: seed
        )
    }

    @Test func `a response that comes byte by byte is the same response`() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: y\r\n\r\nabc"
        let bytewise = ParsedResponse(text, lengths: Array(0...text.utf8.count))
        #expect(bytewise.outcome == ParsedResponse(text).outcome)
        #expect(bytewise.head.framing == .length(3))
        #expect(bytewise.head.fields.count == 2)
    }

    private func expectSame(_ left: ParsedRequest, _ right: ParsedRequest, seed: UInt64) {
        #expect(left.outcome == right.outcome, "seed \(seed)")
        guard case .complete = left.outcome else { return }
        #expect(left.fields == right.fields, "seed \(seed)")
        #expect(left.head.framing == right.head.framing, "seed \(seed)")
        #expect(left.head.path == right.head.path, "seed \(seed)")
        #expect(left.head.query == right.head.query, "seed \(seed)")
        #expect(left.head.host == right.head.host, "seed \(seed)")
        #expect(left.head.keepAlive == right.head.keepAlive, "seed \(seed)")
    }
}
