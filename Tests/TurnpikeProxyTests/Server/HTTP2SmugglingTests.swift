// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHPACK
import NIOHTTP2
import Testing
import TurnpikeProxyCore
import TurnpikeTestSupport

@testable import TurnpikeProxy

/// What HTTP/2 can carry and HTTP/1.1 reads as something else, through a gateway to a real nginx: where one request was sent,
/// never do two arrive, and where it says two things, none does.
///
/// Sources: RFC 9113 §8.1.1, §8.2, §8.3 and §10.3; Kettle 2021 (HTTP/2: The Sequel is Always Worse).
@Suite(.enabled(if: Nginx.isExpected), .timeLimit(.minutes(2))) struct HTTP2SmugglingTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var fields: [(String, String)]
        var content: String
        var trailers: [(String, String)]

        /// - Parameters:
        ///   - replacing: fields that stand in place of those of a good request, by name.
        ///   - adding: fields behind these.
        init(
            _ name: String, replacing: [(String, String)] = [], adding: [(String, String)] = [], content: String = "",
            trailers: [(String, String)] = []
        ) {
            testDescription = name
            var fields = Self.good
            for (name, value) in replacing { fields = fields.map { $0.0 == name ? (name, value) : $0 } }
            self.fields = fields + adding
            self.content = content
            self.trailers = trailers
        }

        static let good = [
            (":method", "POST"), (":scheme", "https"), (":authority", "api.acme.test"), (":path", "/v1/read/first"),
        ]
    }

    /// What is to be slipped in.
    private static let second = "GET /v1/read/smuggled HTTP/1.1\r\nHost: api.acme.test\r\n\r\n"
    private static let length = String(second.utf8.count)

    private static let ambiguous: [Case] = [
        Case("content beyond a length of zero", adding: [("content-length", "0")], content: second),
        Case("content beyond its length", adding: [("content-length", "5")], content: "hello" + second),
        Case("less content than its length", adding: [("content-length", "500")], content: second),
        Case("a length and no content", adding: [("content-length", length)]),
        Case("two lengths", adding: [("content-length", "0"), ("content-length", length)], content: second),
        Case("two lengths in one field", adding: [("content-length", "0, \(length)")], content: second),
        Case("a length with a sign", adding: [("content-length", "+\(length)")], content: second),
        Case("a length in hexadecimal", adding: [("content-length", "0x0")], content: second),
        Case("a negative length", adding: [("content-length", "-1")], content: second),
        Case("a transfer coding", adding: [("transfer-encoding", "chunked")], content: "0\r\n\r\n" + second),
        Case(
            "a transfer coding beside a length", adding: [("transfer-encoding", "chunked"), ("content-length", "5")],
            content: "0\r\n\r\n"),
        Case("a coding in a trailer", content: "hello", trailers: [("transfer-encoding", "chunked")]),
        Case("a pseudo-field in a trailer", content: "hello", trailers: [(":path", "/v1/read/smuggled")]),
        Case("a line break in a trailer", content: "hello", trailers: [("x", "y\r\n\r\n\(second)")]),
        Case("a line break in a value", adding: [("x", "y\r\nContent-Length: 0\r\n\r\n\(second)")]),
        Case("a line feed in a value", adding: [("x", "y\nTransfer-Encoding: chunked")], content: "0\r\n\r\n" + second),
        Case("a carriage return in a value", adding: [("x", "y\rContent-Length: 0")], content: second),
        Case("a nul in a value", adding: [("x", "y\0z")]),
        Case(
            "a line break in a name", adding: [("x: y\r\ntransfer-encoding", "chunked")], content: "0\r\n\r\n" + second),
        Case("a colon in a name", adding: [("transfer-encoding: chunked\r\nx", "y")], content: "0\r\n\r\n" + second),
        Case("a space in a name", adding: [("transfer-encoding ", "chunked")], content: "0\r\n\r\n" + second),
        Case("upper case in a name", adding: [("Transfer-Encoding", "chunked")], content: "0\r\n\r\n" + second),
        Case("a name of no length", adding: [("", "x")]),
        Case("a line break in the path", replacing: [(":path", "/v1/read/first HTTP/1.1\r\nHost: a\r\n\r\n\(second)")]),
        Case("a space in the path", replacing: [(":path", "/v1/read/first HTTP/1.1")]),
        Case("an absolute path", replacing: [(":path", "http://other.test/v1/read/smuggled")]),
        Case("an empty path", replacing: [(":path", "")]),
        Case("a line break in the method", replacing: [(":method", "GET /v1/read/smuggled HTTP/1.1\r\nX:")]),
        Case("a space in the method", replacing: [(":method", "GET /v1/read/smuggled")]),
        Case("CONNECT", replacing: [(":method", "CONNECT")]),
        Case("a line break in the authority", replacing: [(":authority", "api.acme.test\r\nX: y")]),
        Case("a space in the authority", replacing: [(":authority", "api.acme.test x")]),
        Case("a user in the authority", replacing: [(":authority", "other.test@api.acme.test")]),
        Case("a request in the scheme", replacing: [(":scheme", "https://other.test/v1/read/smuggled?")]),
        Case("another host", adding: [("host", "other.test")]),
        Case("two hosts", adding: [("host", "api.acme.test"), ("host", "other.test")]),
        Case("two paths", adding: [(":path", "/v1/read/smuggled")]),
        Case("two methods", adding: [(":method", "GET")]),
        Case("two authorities", adding: [(":authority", "other.test")]),
        Case("a pseudo-field behind others", adding: [("x", "y"), (":path", "/v1/read/smuggled")]),
        Case("an unknown pseudo-field", adding: [(":smuggled", "/v1/read/smuggled")]),
        Case("a field of the connection", adding: [("connection", "content-length")], content: second),
        Case("a kept connection", adding: [("keep-alive", "timeout=5")]),
        Case("a connection of a proxy's", adding: [("proxy-connection", "keep-alive")]),
        Case("another protocol", adding: [("upgrade", "h2c")]),
        Case("a coding of the connection", adding: [("te", "gzip")]),
    ]

    private static let sound: [Case] = [
        Case("content that looks like a request", content: second),
        Case("the same of a length that is told", adding: [("content-length", length)], content: second),
        Case("content that looks like chunks", content: "0\r\n\r\n" + second),
        Case("cookies one by one", adding: [("cookie", "a=b"), ("cookie", "c=d")]),
        Case("the same host twice", adding: [("host", "api.acme.test")]),
        Case("a trailer", adding: [("te", "trailers")], content: second, trailers: [("x-sum", "1")]),
        Case("a length of zero whose end comes later", adding: [("content-length", "0")], trailers: [("x-sum", "1")]),
        Case("a wish for an invitation", adding: [("expect", "100-continue")], content: second),
    ]

    @Test(arguments: Transport.available)
    func `where one request was sent over HTTP-2, never do two arrive`(transport: Transport) async throws {
        let nginx = try await Nginx.start()
        try await GatewayHarness.run(
            on: transport, [Pieces.route(), Pieces.cluster(nginx.port)],
            certificates: [try TestCertificate.make("api.acme.test")]
        ) { gateway async throws in
            for each in Self.ambiguous {
                let (response, isConnectionOver) = try await send(each, to: gateway)
                let status = each.testDescription == "CONNECT" ? 501 : 400
                let isRefused =
                    response.status == status || response.status == nil && (response.reset != nil || isConnectionOver)
                #expect(isRefused, "\(each.testDescription): \(response)")
                #expect(try await arrived(at: nginx, through: gateway).isEmpty, "\(each.testDescription)")
            }
            for each in Self.sound {
                let (response, _) = try await send(each, to: gateway)
                #expect(response.status == 200 && response.text == "read\n", "\(each.testDescription): \(response)")
                #expect(
                    try await arrived(at: nginx, through: gateway) == ["POST /v1/read/first 200"],
                    "\(each.testDescription)")
            }
        }
        try await nginx.stop()
    }

    /// On a connection of its own, by a client that lets everything pass.
    ///
    /// - Returns: what came back, and whether the gateway has ended the connection for it.
    private func send(
        _ each: Case, to gateway: GatewayHarness
    ) async throws -> (response: HTTP2Exchange.Response, isConnectionOver: Bool) {
        let client = try await HTTP2Client.connect(port: gateway.securePort, validates: false)
        let exchange = try await client.stream()
        let isWhole = each.content.isEmpty && each.trailers.isEmpty
        try await exchange.send(HPACKHeaders(each.fields), endsStream: isWhole)
        // What follows may meet a stream that is reset already.
        if !each.content.isEmpty {
            try? await exchange.send(Array(each.content.utf8), endsStream: each.trailers.isEmpty)
        }
        if !each.trailers.isEmpty { try? await exchange.send(HPACKHeaders(each.trailers), endsStream: true) }
        let response = await exchange.response()
        // What a connection says last can be lost where it ends with something unread.
        let isConnectionOver = client.goodbye.code != nil || !client.channel.isActive
        await client.close()
        return (response, isConnectionOver)
    }

    /// What nginx took for whole and answered since the last call. A request that was cut off within its content is written down
    /// with a status of nginx's own.
    private func arrived(at nginx: Nginx, through gateway: GatewayHarness) async throws -> [String] {
        func isEnd(_ line: String) -> Bool { line.hasPrefix("GET /v1/read/end ") }
        let ends = nginx.arrived.count(where: isEnd)
        #expect(try await gateway.get("/v1/read/end").status == 200)
        try await until("nginx has written the last request down") { nginx.arrived.count(where: isEnd) > ends }
        let all = nginx.arrived.dropLast()
        return all.suffix(from: all.lastIndex(where: isEnd).map { $0 + 1 } ?? 0).filter { $0.hasSuffix(" 200") }
    }
}
