// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeProxyCore
import TurnpikeTestSupport

@Suite struct ChunkDecoderTests {
    @Test(
        arguments: [
            ("0\r\n\r\n", ""), ("5\r\nhello\r\n0\r\n\r\n", "hello"),
            ("3\r\nabc\r\n00a\r\n0123456789\r\n0\r\n\r\n", "abc0123456789"),
            ("2;name=\"v; w\"\r\nok\r\n0;x\r\n\r\n", "ok"), ("1\r\n\n\r\n0\r\n\r\n", "\n"),
            ("1\r\na\r\n0\r\nX-Sum: 1\r\nY: \r\n\r\n", "a"),
        ] as [(Wire, Wire)])
    func `chunked content is decoded to its last byte`(coded: Wire, payload: Wire) throws {
        let bytes = Array((coded.text + "GET").utf8)
        let decoded = try decode(bytes, pieces: [bytes.count])
        #expect(String(decoding: decoded.payload, as: UTF8.self) == payload.text)
        #expect(decoded.length == coded.text.utf8.count)
    }

    @Test(
        arguments: [
            ("\r\n", HTTPFault.badChunkSize), (" 1\r\n", .badChunkSize), ("1 \r\n", .badChunkSize),
            ("1\n", .badChunkSize),
            ("0x1\r\n", .badChunkSize), ("+1\r\n", .badChunkSize), ("-1\r\n", .badChunkSize), ("g\r\n", .badChunkSize),
            (";a\r\n", .badChunkSize), ("1\r1", .badChunkSize), ("00000000000000001\r\n", .badChunkSize),
            ("8000000000000000\r\n", .chunkTooLarge), ("ffffffffffffffff\r\n", .chunkTooLarge),
            ("1;\r\n", .badChunkExtension), ("1;a\nb\r\n", .badChunkExtension), ("1;a\u{0}\r\n", .badChunkExtension),
            ("1;\u{E9}\r\n", .badChunkExtension),
            (Wire("1;" + String(repeating: "a", count: 257) + "\r\n"), .chunkExtensionTooLong),
            ("1;a\rb", .badChunkSize), ("1\r\nab", .badChunkEnd), ("1\r\na\n", .badChunkEnd),
            ("1\r\na\rb", .badChunkEnd),
            ("0\r\nX: y\n", .bareLineFeed), ("0\r\nX: y\rz", .badTrailer), ("0\r\nX y\r\n", .badTrailer),
            ("0\r\nX : y\r\n", .badTrailer), ("0\r\nX: y\r\n z\r\n", .badTrailer), ("0\r\n\n", .bareLineFeed),
            ("0\r\nContent-Length: 1\r\n", .forbiddenTrailer), ("0\r\nhost: a\r\n", .forbiddenTrailer),
            ("0\r\nTransfer-Encoding: x\r\n", .forbiddenTrailer), ("0\r\nAuthorization: x\r\n", .forbiddenTrailer),
            (Wire("0\r\nX: " + String(repeating: "a", count: 8190) + "\r\n"), .trailersTooLarge),
        ] as [(Wire, HTTPFault)])
    func `bad chunks are refused`(coded: Wire, fault: HTTPFault) {
        let bytes = Array(coded.text.utf8)
        #expect(throws: fault) { try decode(bytes, pieces: [bytes.count]) }
        #expect(throws: fault) { try decode(bytes, pieces: Array(repeating: 1, count: bytes.count)) }
    }

    @Test func `extensions of many small chunks are bounded together`() {
        let chunk = "1;" + String(repeating: "a", count: 200) + "\r\nx\r\n"
        let bytes = Array(String(repeating: chunk, count: 30).utf8)
        #expect(throws: HTTPFault.chunkExtensionTooLong) { try decode(bytes, pieces: [bytes.count]) }
    }

    @Test func `a date may stand behind the content`() throws {
        let coded = Array("3\r\nabc\r\n0\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n".utf8)
        let decoded = try decode(coded, pieces: [coded.count])
        #expect(decoded.payload == Array("abc".utf8) && decoded.length == coded.count)
    }

    @Test(arguments: UInt64(0)..<100)
    func `content cut into any chunks and any pieces comes back`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let payload = (0..<Int.random(in: 0...600, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random)
        }
        var coded: [UInt8] = []
        var rest = payload[...]
        while !rest.isEmpty {
            let chunk = rest.prefix(Int.random(in: 1...200, using: &random))
            rest = rest.dropFirst(chunk.count)
            coded += Array(String(chunk.count, radix: 16, uppercase: Bool.random(using: &random)).utf8)
            coded += Array("\(Bool.random(using: &random) ? ";a=b" : "")\r\n".utf8) + chunk + Array("\r\n".utf8)
        }
        coded += Array("0\r\n\(Bool.random(using: &random) ? "X: y\r\n" : "")\r\n".utf8)
        var pieces: [Int] = []
        while pieces.reduce(0, +) < coded.count + 5 { pieces.append(Int.random(in: 0...90, using: &random)) }

        let decoded = try decode(coded + Array("extra".utf8), pieces: pieces)
        #expect(decoded.payload == payload, "seed \(seed)")
        #expect(decoded.length == coded.count, "seed \(seed)")
    }
}

/// Feeds bytes in pieces of the given sizes; the payload, and how many bytes it took up to the end.
private func decode(_ bytes: [UInt8], pieces: [Int]) throws -> (payload: [UInt8], length: Int) {
    var decoder = ChunkDecoder()
    var payload: [UInt8] = []
    var position = 0
    for size in pieces {
        let piece = Array(bytes[position..<min(position + size, bytes.count)])
        var offset = 0
        try piece.withUnsafeBytes { raw in
            while true {
                switch try decoder.next(in: raw, at: &offset) {
                case .payload(let range): payload += raw[range]
                case .needMore, .end: return
                }
            }
        }
        position += offset
        if decoder.isAtEnd { break }
    }
    return (payload, decoder.isAtEnd ? position : -1)
}
