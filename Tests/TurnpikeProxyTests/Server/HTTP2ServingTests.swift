// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHPACK
import NIOHTTP2
import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeSnapshot
import TurnpikeTelemetry

@testable import TurnpikeProxy

@Suite(.timeLimit(.minutes(1))) struct HTTP2ServingTests {
    /// A gateway with TLS before an upstream.
    private func serve(
        _ transport: Transport, _ origin: Origin, requiresKey: Bool = false, maxContentBytes: Int64? = nil,
        extra: [CompiledResource] = [],
        limits: GatewayLimits = GatewayLimits(), _ body: (GatewayHarness) async throws -> Void
    ) async throws {
        let route = Pieces.route(requiresKey: requiresKey, maxContentBytes: maxContentBytes)
        let resources = [route, Pieces.cluster(origin.port)] + extra
        try await GatewayHarness.run(
            on: transport, resources, limits: limits, certificates: [try TestCertificate.make("api.acme.test")], body)
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `requests over HTTP-2 are served like others, many at once on one connection`(
        transport: Transport
    ) async throws {
        let origin = try await Origin.start()
        try await serve(transport, origin) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.securePort)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<50 {
                    group.addTask {
                        let response = try await client.get("/v1/orders/\(number)")
                        #expect(response.status == 200 && response.text == "/v1/orders/\(number)")
                        #expect(response["x-request-id"]?.hasPrefix("req_") == true)
                    }
                }
                try await group.waitForAll()
            }
            #expect(origin.requests.count == 50 && gateway.usage.total.requests == 50)
            #expect(origin.requests[0].head.contains("X-Forwarded-Proto: https\r\n"))
            #expect(origin.requests[0].head.contains("X-Forwarded-For: 127.0.0.1\r\n"))
            await client.close()
        }
    }

    @Test(arguments: Transport.available)
    func `who knows that HTTP-2 is spoken may speak it in the clear`(transport: Transport) async throws {
        let origin = try await Origin.start()
        try await serve(transport, origin) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.server.port, isSecure: false)
            for number in 0..<3 { #expect(try await client.get("/v1/orders/\(number)").text == "/v1/orders/\(number)") }
            #expect(origin.requests[0].head.contains("X-Forwarded-Proto: http\r\n"))
            await client.close()
            #expect(try await gateway.get("/v1/orders").status == 200)
        }
    }

    @Test(arguments: Transport.available, ["POST /v1/orders", "PRI /v1/orders", "PROPFIND /v1/orders", "P /v1/orders"])
    func `what begins like the preface of HTTP-2 and goes on like a request is one`(
        transport: Transport, start: String
    ) async throws {
        let origin = try await Origin.start()
        try await serve(transport, origin) { gateway async throws in
            let client = try await RawClient.connect(port: gateway.server.port)
            let request = "\(start) HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            // What follows may meet a connection that is closed already.
            for byte in request.utf8.prefix(5) { try? await client.send([byte]) }
            try? await client.send(Array(request.utf8.dropFirst(5)))
            let answer = String(decoding: try await client.untilClosed(), as: UTF8.self)
            // Nobody begins a request by what has no meaning but as the preface.
            #expect(start.hasPrefix("PRI ") != answer.hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test(arguments: Transport.available)
    func `policies hold over HTTP-2`(transport: Transport) async throws {
        let origin = try await Origin.start()
        let extra = [Pieces.key("secret")]
        try await serve(transport, origin, requiresKey: true, extra: extra) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.securePort)
            let refused = try await client.get()
            #expect(refused.status == 401 && refused["content-type"] == "application/problem+json")
            #expect(refused.text.contains("unauthenticated"))
            #expect(try await client.get("/v1/orders", [("x-api-key", "secret")]).status == 200)
            #expect(try await client.get("/nowhere").status == 404)
            #expect(!origin.requests[0].head.lowercased().contains("x-api-key"))
            await client.close()
        }
    }

    @Test(arguments: Transport.available, [nil, 30_000] as [Int?])
    func `content goes up in pieces, whether its length was announced or not`(
        transport: Transport, length: Int?
    ) async throws {
        let origin = try await Origin.start()
        try await serve(transport, origin) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.securePort)
            let exchange = try await client.stream()
            let fields = length.map { [("content-length", String($0))] } ?? []
            try await exchange.send(HTTP2Client.head("POST", "/v1/orders", fields))
            for piece in 0..<3 { try await exchange.send([UInt8](repeating: 7, count: 10_000), endsStream: piece == 2) }
            #expect(await exchange.response().status == 200)
            #expect(origin.requests.map(\.contentBytes) == [30_000])
            await client.close()
        }
    }

    @Test(arguments: Transport.available, [nil, 1001] as [Int?])
    func `content that its route does not take is answered with 413, and the connection goes on`(
        transport: Transport, length: Int?
    ) async throws {
        let origin = try await Origin.start()
        try await serve(transport, origin, maxContentBytes: 1000) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.securePort)
            let exchange = try await client.stream()
            let fields = length.map { [("content-length", String($0))] } ?? []
            try await exchange.send(HTTP2Client.head("POST", "/v1/orders", fields))
            try await exchange.send([UInt8](repeating: 7, count: 1001), endsStream: length != nil)
            let refused = await exchange.response()
            #expect(refused.status == 413 && refused.hasEnded && refused.text.contains("body-too-large"))
            #expect(try await client.get().status == 200)
            #expect(origin.requests.map(\.contentBytes) == [0])
            await client.close()
        }
    }

    @Test(arguments: Transport.available)
    func `large answers come whole, in chunks or by length`(transport: Transport) async throws {
        let size = 3_000_000
        let origin = try await Origin.start { $0.target == "/v1/chunks" ? .chunks(size) : .content(size) }
        try await serve(transport, origin) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.securePort)
            let lengthy = try await client.get("/v1/length")
            #expect(lengthy.body.count == size && lengthy["content-length"] == String(size) && lengthy.hasEnded)
            let chunked = try await client.get("/v1/chunks")
            #expect(chunked.body.count == size && chunked["transfer-encoding"] == nil && chunked.hasEnded)
            await client.close()
        }
    }

    @Test(arguments: Transport.available)
    func `trailers of an answer reach the client`(transport: Transport) async throws {
        let origin = try await Origin.start { _ in
            .raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nGrpc-Status: 0\r\n\r\n")
        }
        try await serve(transport, origin) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.securePort)
            let response = try await client.get()
            #expect(response.text == "hi" && response.trailers?.first(name: "grpc-status") == "0")
            await client.close()
        }
    }

    @Test(arguments: Transport.available)
    func `an answer that lasts until the upstream closes ends in due form`(transport: Transport) async throws {
        let origin = try await Origin.start { _ in .rawThenClose("HTTP/1.1 200 OK\r\n\r\nabc") }
        try await serve(transport, origin) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.securePort)
            let response = try await client.get()
            #expect(response.text == "abc" && response.hasEnded && response.reset == nil)
            await client.close()
        }
    }

    @Test(arguments: Transport.available)
    func `an answer that breaks off resets its stream, and no other`(transport: Transport) async throws {
        let origin = try await Origin.start { request in
            request.target == "/v1/broken"
                ? .rawThenClose("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc") : .ok("whole")
        }
        try await serve(transport, origin) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.securePort)
            let broken = try await client.get("/v1/broken")
            #expect(broken.reset != nil && !broken.hasEnded)
            #expect(try await client.get("/v1/whole").text == "whole")
            await client.close()
        }
    }

    @Test(arguments: Transport.available)
    func `a client that does not take an answer stops the upstream from sending it`(transport: Transport) async throws {
        let size = 64 << 20
        let origin = try await Origin.start { _ in .content(size) }
        try await serve(transport, origin) { gateway async throws in
            // Without more of a window the gateway may send no more than this of the answer.
            let client = try await HTTP2Client.connect(port: gateway.securePort, window: 65_535)
            let exchange = try await client.stream()
            try await exchange.stream.setOption(.autoRead, value: false).get()
            try await exchange.send(HTTP2Client.head("GET", "/v1/large"), endsStream: true)
            await origin.requestsArrived(1)
            let sent = try await origin.stalled()
            #expect(sent <= SocketBuffers.most && SocketBuffers.most < size, "\(sent) bytes are on their way")
            try await exchange.stream.setOption(.autoRead, value: true).get()
            exchange.stream.read()
            #expect(await exchange.response().body.count == size)
            await client.close()
        }
    }

    @Test(arguments: Transport.available)
    func `a client that resets its stream takes its request back`(transport: Transport) async throws {
        let origin = try await Origin.start { _ in .silence }
        try await serve(transport, origin) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.securePort)
            let exchange = try await client.stream()
            try await exchange.send(HTTP2Client.head("GET", "/v1/orders"), endsStream: true)
            await origin.requestsArrived(1)
            try await exchange.reset()
            try await gateway.usageReached { $0.requests == 1 }
            await client.close()
        }
    }

    @Test(arguments: Transport.available)
    func `an answer that comes before the request is whole asks the client to stop`(transport: Transport) async throws {
        let origin = try await Origin.start()
        try await serve(transport, origin) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.securePort)
            let exchange = try await client.stream()
            try await exchange.send(HTTP2Client.head("POST", "/nowhere"))
            let response = await exchange.response(until: { $0.reset != nil })
            #expect(response.status == 404 && response.hasEnded && response.reset == .noError)
            await client.close()
        }
    }

    @Test(arguments: Transport.available)
    func `HEAD and 204 end with their head`(transport: Transport) async throws {
        let origin = try await Origin.start { request in
            .raw(
                request.method == "HEAD"
                    ? "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n" : "HTTP/1.1 204 No Content\r\n\r\n")
        }
        try await serve(transport, origin) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.securePort)
            let exchange = try await client.stream()
            try await exchange.send(HTTP2Client.head("HEAD", "/v1/orders"), endsStream: true)
            let head = await exchange.response()
            #expect(head.status == 200 && head["content-length"] == "7" && head.body.isEmpty && head.hasEnded)
            #expect(try await client.get().status == 204)
            await client.close()
        }
    }

    @Test(arguments: Transport.available)
    func `interim answers go before the answer`(transport: Transport) async throws {
        let origin = try await Origin.start { _ in
            .raw("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        }
        try await serve(transport, origin) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.securePort)
            let response = try await client.get()
            #expect(response.heads.map { $0.first(name: ":status") } == ["103", "200"] && response.text == "hi")
            await client.close()
        }
    }

    @Test(
        arguments: Transport.available,
        [
            [("x", "a\r\nHost: evil.test")], [("x", "a\u{0}b")], [("transfer-encoding", "chunked")],
            [("connection", "close")], [("X-Upper", "a")], [("te", "gzip")], [(":path", "/again")],
        ] as [[(String, String)]])
    func `a malformed request is refused by a problem with its id, and reaches nobody`(
        transport: Transport, fields: [(String, String)]
    ) async throws {
        let origin = try await Origin.start()
        try await serve(transport, origin) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.securePort, validates: false)
            let exchange = try await client.stream()
            try await exchange.send(HTTP2Client.head("GET", "/v1/orders", fields), endsStream: true)
            let response = await exchange.response()
            expectProblem(response)
            #expect(origin.requests.isEmpty)
            #expect(gateway.metrics.render().contains(#"_requests_refused_total{reason="malformed-request""#))
            #expect(try await client.get().status == 200)
            await client.close()
        }
    }

    @Test(arguments: Transport.available)
    func `a length that the content does not keep is reset, and the upstream sees no second request`(
        transport: Transport
    ) async throws {
        let origin = try await Origin.start()
        try await serve(transport, origin) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.securePort, validates: false)
            let exchange = try await client.stream()
            try await exchange.send(HTTP2Client.head("POST", "/v1/orders", [("content-length", "5")]))
            try await exchange.send(Array("helloGET /v1/smuggled HTTP/1.1\r\nHost: a\r\n\r\n".utf8), endsStream: true)
            let response = await exchange.response()
            expectProblem(response)
            #expect(!origin.requests.contains { $0.target == "/v1/smuggled" })
            #expect(try await client.get().status == 200)
            await client.close()
        }
    }

    /// Of the gateway's own, whole, and with the id by which operators find it.
    private func expectProblem(_ response: HTTP2Exchange.Response) {
        #expect(response.status == 400 && response["content-type"] == "application/problem+json", "\(response)")
        #expect(response["x-request-id"].map { response.text.contains(#""requestId":"\#($0)""#) } == true)
        #expect(response["date"]?.hasSuffix(" GMT") == true)
        #expect(response.text.contains("/problems/malformed-request\"") && response.hasEnded)
    }

    @Test(
        arguments: Transport.available,
        [
            ("0", "x", []), ("3", "x", []), ("3", "x", [("a", "b")]), (nil, "x", [(":path", "/")]),
            (nil, "x", [("X-Upper", "b")]),
        ] as [(String?, String, [(String, String)])])
    func `what is malformed behind a head is refused by a problem too, as long as there is no answer`(
        transport: Transport, rest: (length: String?, content: String, trailers: [(String, String)])
    ) async throws {
        let origin = try await Origin.start()
        try await serve(transport, origin) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.securePort, validates: false)
            let exchange = try await client.stream()
            let length = rest.length.map { [("content-length", $0)] } ?? []
            try await exchange.send(HTTP2Client.head("POST", "/v1/orders", length))
            try await exchange.send(Array(rest.content.utf8), endsStream: rest.trailers.isEmpty)
            if !rest.trailers.isEmpty { try? await exchange.send(HPACKHeaders(rest.trailers), endsStream: true) }
            expectProblem(await exchange.response())
            #expect(try await client.get().status == 200)
            await client.close()
        }
    }

    @Test(arguments: Transport.available)
    func `a connection to a host of the client's choice is refused as over HTTP-1`(transport: Transport) async throws {
        let origin = try await Origin.start()
        try await serve(transport, origin) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.securePort, validates: false)
            let exchange = try await client.stream()
            try await exchange.send(
                HPACKHeaders([(":method", "CONNECT"), (":authority", "api.acme.test:443")]), endsStream: true)
            let response = await exchange.response()
            #expect(response.status == 501 && response.text.contains("/problems/method-not-supported\""), "\(response)")
            #expect(try await client.get().status == 200)
            await client.close()
        }
    }

    @Test(arguments: Transport.available)
    func `a host that is not the authority is refused`(transport: Transport) async throws {
        let origin = try await Origin.start()
        try await serve(transport, origin) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.securePort)
            let response = try await client.get("/v1/orders", [("host", "other.test")])
            #expect(response.status == 400 && origin.requests.isEmpty)
            await client.close()
        }
    }
}
