// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOHPACK
import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry
import TurnpikeTestSupport

@testable import TurnpikeProxy
@testable import TurnpikeProxyCore

@Suite(.timeLimit(.minutes(1))) struct AccessLogTests {
    @Test(arguments: Transport.available)
    func `each request is one line of JSON, without its query and without its key`(on transport: Transport) async throws
    {
        let url = FileManager.default.temporaryDirectory.appending(path: "access-\(UUID().uuidString).log")
        try Data().write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        let file = try FileHandle(forWritingTo: url)
        let origin = try await Origin.start()
        let endpoint = "127.0.0.1:\(origin.port)"
        let resources = [Pieces.route(requiresKey: true), Pieces.cluster(origin.port), Pieces.key("right")]
        try await GatewayHarness.run(on: transport, resources, log: .descriptor(file.fileDescriptor)) {
            gateway async throws in
            #expect(try await gateway.get("/v1/a%22b?token=right", "X-Api-Key: right\r\n").status == 200)
            #expect(try await gateway.get("/v1", "X-Api-Key: wrong\r\n").status == 401)
            let client = try await gateway.connect()
            try await client.send("nonsense\r\n\r\n")
            #expect(try await client.response().status == 400)
        }
        await origin.stop()
        try file.close()

        let text = try String(contentsOf: url, encoding: .utf8)
        let lines = try text.split(separator: "\n").map { try JSON.parse(String($0)) }
        #expect(lines.count == 3 && !text.contains("right\"") && !text.contains("token"))
        #expect(lines[0]["tenant"] == "acme" && lines[0]["route"] == "orders" && lines[0]["path"] == "/v1/a%22b")
        #expect(lines[0]["status"] == 200 && lines[0]["upstreamStatus"] == 200 && lines[0]["method"] == "GET")
        #expect(
            lines[0]["remoteAddress"] == "127.0.0.1" && lines[0]["protocol"] == "HTTP/1.1"
                && lines[0]["scheme"] == "http")
        #expect(lines[0]["service"] == "orders" && lines[0]["endpoint"] == .string(endpoint))
        #expect(
            lines[1]["status"] == 401 && lines[1]["service"] == nil && lines[1]["endpoint"] == nil
                && lines[1]["code"] == "unauthenticated" && lines[1]["keyId"] == nil)
        #expect(lines[2]["status"] == 400 && lines[2]["route"] == nil && lines[2]["path"] == nil)
        #expect(lines.map { $0["host"] } == ["api.acme.test", "api.acme.test", nil])
    }

    @Test(arguments: Transport.available)
    func `a line tells the trace that the upstream is told of, and the host without its port`(
        on transport: Transport
    ) async throws {
        let origin = try await Origin.start()
        let given = "0af7651916cd43dd8448eb211c80319c"
        let lines = try await logged(on: transport, [Pieces.route(), Pieces.cluster(origin.port)]) { gateway in
            #expect(try await gateway.get("/v1/a", "traceparent: 00-\(given)-b7ad6b7169203331-00\r\n").status == 200)
            #expect(try await gateway.get("/v1/b").status == 200)
            let client = try await gateway.connect()
            try await client.send("GET /v2 HTTP/1.1\r\nHost: Api.Acme.test:8080\r\n\r\n")
            #expect(try await client.response().status == 404)
        }
        let told = try #require(origin.requests.last?.head.firstMatch(of: /traceparent: 00-([0-9a-f]{32})-/)?.1)
        await origin.stop()
        #expect(lines[0]["traceId"] == .string(given) && lines[1]["traceId"] == .string(String(told)))
        #expect(lines[2]["traceId"] == nil && lines[2]["host"] == "Api.Acme.test")
    }

    private static let head = [
        (":method", "GET"), (":scheme", "https"), (":authority", "api.acme.test"), (":path", "/v1/orders"),
    ]

    @Test(
        arguments: Transport.available,
        [
            ([("Upper", "x")], nil, "invalid header field name"),
            ([("connection", "close")], nil, "field of an HTTP/1.1 connection"),
            ([(":path", "/v1/other")], nil, "missing, repeated or invalid pseudo-header field"),
            ([("content-length", "5")], "four", "content does not match content-length"),
        ] as [([(String, String)], String?, String)])
    func `a malformed request over HTTP-2 gets a line with its reason, and is counted`(
        on transport: Transport, request: (fields: [(String, String)], content: String?, reason: String)
    ) async throws {
        let origin = try await Origin.start()
        let resources = [Pieces.route(), Pieces.cluster(origin.port)]
        let lines = try await logged(
            on: transport, resources, certificates: [try TestCertificate.make("api.acme.test")]
        ) { gateway in
            let client = try await HTTP2Client.connect(port: gateway.securePort, validates: false)
            let exchange = try await client.stream()
            let fields = HPACKHeaders(Self.head + request.fields)
            try await exchange.send(fields, endsStream: request.content == nil)
            if let content = request.content { try? await exchange.send(Array(content.utf8), endsStream: true) }
            let response = await exchange.response()
            #expect(response.status == 400 && response.reset == nil, "\(response)")
            // The connection goes on.
            #expect(try await client.get().status == 200)
            await client.close()
            let metrics = gateway.metrics.render()
            #expect(metrics.contains(#"turnpike_requests_refused_total{reason="malformed-request""#), "\(metrics)")
        }
        await origin.stop()
        let refused = lines.filter { $0["code"] == "malformed-request" }
        #expect(refused.count == 1 && lines.count == 2, "\(lines)")
        #expect(refused.first?["reason"] == .string("The request was refused: \(request.reason)."), "\(lines)")
        #expect(refused.first?["status"] == 400 && refused.first?["protocol"] == "HTTP/2")
        #expect(refused.first?["remoteAddress"] == "127.0.0.1" && refused.first?["requestId"] != nil)
    }

    @Test(arguments: Transport.available)
    func `what a client calls itself is told where that is asked for, whatever it is made of`(
        on transport: Transport
    ) async throws {
        let origin = try await Origin.start()
        let resources = [Pieces.route(), Pieces.cluster(origin.port)]
        func agents(_ format: AccessLogFormat) async throws -> [JSON?] {
            try await logged(on: transport, resources, in: format) { gateway in
                let client = try await gateway.connect()
                for agent in [Array("curl/8 \"x\"\\".utf8), [0xFF, 0x61], [UInt8](repeating: 0x61, count: 300), []] {
                    let head = "GET /v1 HTTP/1.1\r\nHost: api.acme.test\r\nUser-Agent: "
                    try await client.send(Array(head.utf8) + agent + Array("\r\n\r\n".utf8))
                    #expect(try await client.response().status == 200)
                }
                try await client.send("nonsense\r\n\r\n")
                #expect(try await client.response().status == 400)
            }.map { $0["userAgent"] }
        }
        #expect(
            try await agents(AccessLogFormat(fields: [.userAgent, .status]))
                == ["curl/8 \"x\"\\", "\u{FFFD}a", .string(String(repeating: "a", count: 256)), nil, nil])
        #expect(try await agents(AccessLogFormat()) == [nil, nil, nil, nil, nil])
        await origin.stop()
    }

    /// What a gateway has written down of what `body` asked of it.
    private func logged(
        on transport: Transport, _ resources: [CompiledResource], certificates: [ServerCertificate] = [],
        in format: AccessLogFormat = AccessLogFormat(),
        _ body: (GatewayHarness) async throws -> Void
    ) async throws -> [JSON] {
        let url = FileManager.default.temporaryDirectory.appending(path: "access-\(UUID().uuidString).log")
        try Data().write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        let file = try FileHandle(forWritingTo: url)
        try await GatewayHarness.run(
            on: transport, resources, log: .descriptor(file.fileDescriptor), logFormat: format,
            certificates: certificates,
            body)
        try file.close()
        return try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map { try JSON.parse(String($0)) }
    }

    private func record(
        status: Int, refusal: ErrorCode? = nil, detail: String? = nil, low: UInt64 = 0
    ) -> ExchangeRecord {
        ExchangeRecord(
            requestID: RequestID(high: 1, low: low), receivedAt: Timestamp(milliseconds: 0), route: nil, key: nil,
            status: status, bytesIn: 1, bytesOut: 2, duration: 3_000_000, upstreamDuration: nil, upstreamStatus: nil,
            refusal: refusal, detail: detail, attempts: 0, admitted: false)
    }

    @Test func `a line tells what was asked for, and nothing else`() {
        func line(_ fields: Set<AccessLogField>) -> String {
            var buffer = LogLineBuffer(of: fields)
            let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
            buffer.append(record(status: 404, refusal: .noRoute), method: nothing, path: nothing, host: nothing)
            return String(decoding: buffer.take(), as: UTF8.self)
        }
        #expect(line([.status, .code, .method]) == #"{"status":404,"code":"no-route"}"# + "\n")
        #expect(line([.duration]) == #"{"durationMs":3.000}"# + "\n")
        #expect(line([.service]) == "{}\n")
    }

    @Test func `a share of the requests gets a line, and each that was refused or has failed`() {
        let format = AccessLogFormat(share: 0.25)
        var random = SeededGenerator(seed: 7)
        let kept = (0..<10_000).count { _ in format.keeps(record(status: 200, low: random.next())) }
        #expect(abs(kept - 2_500) < 200, "\(kept)")
        // Those of one millisecond.
        let first = random.next()
        let keptInRow = (0..<10_000 as Range<UInt64>).count { format.keeps(record(status: 200, low: first &+ 3 &* $0)) }
        #expect(abs(keptInRow - 2_500) < 200, "\(keptInRow)")
        let none = AccessLogFormat(share: 0)
        #expect(!none.keeps(record(status: 200)) && !none.keeps(record(status: 404)))
        #expect(none.keeps(record(status: 503)) && none.keeps(record(status: 429, refusal: .rateLimited)))
        #expect(none.keeps(record(status: 200, detail: "The upstream has closed before its answer was whole.")))
        #expect(AccessLogFormat().keeps(record(status: 200, low: .max)))
    }

    @Test func `bytes that JSON cannot hold are escaped`() throws {
        var buffer = LogLineBuffer(of: Set(AccessLogField.allCases))
        let record = ExchangeRecord(
            requestID: RequestID(high: 1, low: 2), receivedAt: Timestamp(milliseconds: 1_772_366_400_007), route: nil,
            key: nil, status: 404, bytesIn: 1, bytesOut: 2, duration: 1_234_567, upstreamDuration: nil,
            upstreamStatus: nil, refusal: .noRoute, detail: "a \"quote\"\u{1}", attempts: 0, admitted: false
        )
        Array("GET".utf8).withUnsafeBytes { method in
            Array("/\\\"".utf8).withUnsafeBytes { buffer.append(record, method: method, path: $0, host: method) }
        }
        let line = try JSON.parse(buffer.take().dropLast())
        #expect(line["time"] == "2026-03-01T12:00:00.007Z" && line["path"] == "/\\\"")
        #expect(line["reason"] == "a \"quote\"\u{1}" && line["code"] == "no-route")
        #expect(buffer.count == 0)
    }
}
