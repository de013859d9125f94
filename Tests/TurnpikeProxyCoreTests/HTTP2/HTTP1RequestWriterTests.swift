// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxyCore

@Suite struct HTTP1RequestWriterTests {
    typealias Fields = [(name: String, value: String)]

    static let start: Fields = [
        (":method", "GET"), (":scheme", "https"), (":authority", "api.acme.test"), (":path", "/v1/orders?a=b"),
    ]

    static func written(_ fields: Fields, endsStream: Bool = true) throws -> String {
        var bytes: [UInt8] = []
        _ = try HTTP1RequestWriter.write(fields, endsStream: endsStream, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `a request becomes a request line, its host and its fields`() throws {
        #expect(
            try Self.written(Self.start + [("accept", "*/*"), ("x-empty", "")])
                == "GET /v1/orders?a=b HTTP/1.1\r\nhost: api.acme.test\r\naccept: */*\r\nx-empty: \r\n\r\n")
    }

    @Test func `cookies that came one by one are one field`() throws {
        let text = try Self.written(Self.start + [("cookie", "a=1"), ("x", "y"), ("cookie", "b=2")])
        #expect(text.hasSuffix("x: y\r\ncookie: a=1; b=2\r\n\r\n"))
    }

    @Test(arguments: ["x-a", "cookie"]) func `a head that is too large is cut off, and looked at no further`(
        name: String
    ) throws {
        let writer = HTTP1RequestWriter(limit: 200)
        let value = String(repeating: "v", count: 150)
        for (name, value) in Self.start + [(name, value), (name, value), ("NO NAME", "\r\n")] {
            writer.take(name, value)
        }
        _ = try writer.end(endsStream: true)
        let text = String(decoding: writer.bytes, as: UTF8.self)
        #expect(text.utf8.count > 200)
        #expect(!text.hasSuffix("\r\n\r\n"))
    }

    @Test func `a second host beside the authority is the engine's to refuse`() throws {
        let host = ("host", "api.acme.test")
        #expect(try Self.written(Self.start + [host]) == Self.written(Self.start))
        #expect(try Self.written(Self.start + [host, host]).hasSuffix("\r\nhost: api.acme.test\r\n\r\n"))
    }

    @Test func `content without a length goes in chunks, and trailers behind it`() throws {
        var bytes: [UInt8] = []
        let content = try HTTP1RequestWriter.write(Self.start, endsStream: false, to: &bytes)
        bytes += content.prefix(18) + Array("eighteen bytes....".utf8) + content.suffix
        bytes += try content.end(trailers: [("grpc-status", "0"), ("content-length", "5"), ("x-sum", "7")] as Fields)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == """
                GET /v1/orders?a=b HTTP/1.1\r\nhost: api.acme.test\r\ntransfer-encoding: chunked\r\n\r
                12\r\neighteen bytes....\r\n0\r\ngrpc-status: 0\r\nx-sum: 7\r\n\r\n
                """)
        #expect(content.end == Array("0\r\n\r\n".utf8))
    }

    @Test func `content of a length that was announced stays as it is`() throws {
        var bytes: [UInt8] = []
        let content = try HTTP1RequestWriter.write(
            Self.start + [("content-length", "3")], endsStream: false, to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self).hasSuffix("\r\ncontent-length: 3\r\n\r\n"))
        #expect(content.prefix(3).isEmpty && content.suffix.isEmpty && content.end.isEmpty)
        #expect(try content.end(trailers: [("x", "y")] as Fields).isEmpty)
    }

    @Test(arguments: [
        ("0", false, true), ("00", false, true), ("0", true, false), ("3", false, false), ("03", false, false),
    ])
    func `a head that announces no content waits for the end to tell the same`(
        length: String, endsStream: Bool, waits: Bool
    ) throws {
        var bytes: [UInt8] = []
        let content = try HTTP1RequestWriter.write(
            Self.start + [("content-length", length)], endsStream: endsStream, to: &bytes)
        #expect(content.headWaits == waits)
        #expect(String(decoding: bytes, as: UTF8.self).hasSuffix("\r\ncontent-length: \(length)\r\n\r\n"))
    }

    @Test func `a host beside the same authority says nothing, and another is left for the engine to refuse`() throws {
        let same = try Self.written(Self.start + [("host", "api.acme.test")])
        #expect(same.components(of: "host: ") == 1)
        let other = try Self.written(Self.start + [("host", "evil.test")])
        #expect(other.components(of: "host: ") == 2)
        let alone = try Self.written(Self.start.filter { $0.name != ":authority" } + [("host", "a.test")])
        #expect(alone.components(of: "host: a.test") == 1)
    }

    @Test(
        arguments: [
            ("x", "a\r\nHost: evil.test"), ("x", "a\nb"), ("x", "a\rb"), ("x", "a\u{0}b"), ("x", " a"), ("x", "a\t"),
            ("x\r\ny", "a"), ("x y", "a"), ("X-Upper", "a"), ("", "a"), ("x:y", "a"),
            ("connection", "close"), ("transfer-encoding", "chunked"), ("keep-alive", "5"), ("upgrade", "h2c"),
            ("proxy-connection", "close"), ("te", "gzip"), (":path", "/again"), (":unknown", "x"),
        ] as [(String, String)])
    func `what would be another request in HTTP/1.1 is malformed`(name: String, value: String) {
        #expect(throws: HTTP2Fault.self) { try Self.written(Self.start + [(name, value)]) }
    }

    @Test(
        arguments: [
            (":method", "GET /x HTTP/1.1\r\nA:"), (":method", ""), (":method", "GE T"), (":method", "CONNECT"),
            (":path", "/a b"), (":path", "/a\r\nb"), (":path", ""), (":path", "http://evil.test/"), (":path", "x"),
            (":path", "/a#b"), (":authority", "a b"), (":authority", "a\r\nb"), (":scheme", "ftp"),
            (":path", "/v1 HTTP/1.1\r\nHost: evil.test\r\n\r\nGET /"),
        ] as [(String, String)])
    func `a pseudo-field that a request line cannot carry is malformed`(name: String, value: String) {
        let fields = Self.start.map { $0.name == name ? (name: name, value: value) : $0 }
        #expect(throws: HTTP2Fault.self) { try Self.written(fields) }
    }

    @Test(arguments: [":method", ":scheme", ":path"])
    func `a request without one of its pseudo-fields is malformed`(name: String) {
        #expect(throws: HTTP2Fault.badPseudoField) { try Self.written(Self.start.filter { $0.name != name }) }
    }

    @Test(arguments: [2, 4])
    func `CONNECT is told from what is malformed, with the other pseudo-fields and without`(count: Int) {
        let fields: [(name: String, value: String)] = [
            (":method", "CONNECT"), (":authority", "a.test:443"), (":scheme", "https"), (":path", "/"),
        ]
        #expect(throws: HTTP2Fault.connect) { try Self.written(Array(fields.prefix(count))) }
    }

    @Test func `a pseudo-field behind others is malformed`() {
        #expect(throws: HTTP2Fault.badPseudoField) {
            try Self.written([("x", "y")] + Self.start)
        }
    }

    @Test(arguments: [(":status", "200"), ("X", "y"), ("x", "a\r\nb"), ("connection", "close")] as [(String, String)])
    func `a trailer that is no trailer is malformed`(name: String, value: String) throws {
        var bytes: [UInt8] = []
        let content = try HTTP1RequestWriter.write(Self.start, endsStream: false, to: &bytes)
        #expect(throws: HTTP2Fault.self) { try content.end(trailers: [(name, value)] as Fields) }
    }
}

extension HTTP1RequestWriter {
    fileprivate func take(_ name: String, _ value: String) {
        Array(name.utf8).withUnsafeBytes { name in
            Array(value.utf8).withUnsafeBytes { take(name, $0) }
        }
    }
}
