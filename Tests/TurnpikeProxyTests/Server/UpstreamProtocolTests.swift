// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHPACK
import NIOHTTP2
import Synchronization
import Testing
import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeSnapshot

@testable import TurnpikeProxy

/// Upstreams that speak TLS or HTTP/2, behind clients that speak either version, on both transports.
@Suite(.timeLimit(.minutes(1))) struct UpstreamProtocolTests {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test(arguments: Transport.available)
    func `an upstream that speaks HTTP-2 in the clear serves all on one connection`(
        on transport: Transport
    ) async throws {
        let origin = try await HTTP2Origin.start()
        try await GatewayHarness.run(on: transport, [Pieces.route(), Pieces.cluster(origin.port, protocol: .http2)]) {
            gateway async throws in
            let client = try await gateway.connect()
            for number in 1...20 {
                try await client.send(GatewayHarness.get("/v1/orders/\(number)?a=b"))
                let response = try await client.response()
                #expect(response.status == 200 && response.text == "/v1/orders/\(number)?a=b")
            }
            #expect(origin.connections == 1 && origin.requests.count == 20)
            let request = origin.requests[0]
            #expect(request[":authority"] == "api.acme.test" && request[":scheme"] == "http" && request["host"] == nil)
            #expect(request["x-forwarded-for"] == "127.0.0.1" && request["connection"] == nil)
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `an upstream that speaks HTTP-2 over TLS has to prove its name`(on transport: Transport) async throws {
        let certificate = try TestCertificate.make("orders.internal")
        let origin = try await HTTP2Origin.start(tls: certificate)
        let known = text(certificate.chain)
        let stranger = text(try TestCertificate.make("orders.internal").chain)
        for (tls, status) in [
            (UpstreamTLS(serverName: "orders.internal", authorities: known), 200),
            (UpstreamTLS(serverName: "other.internal", authorities: known), 502),
            (UpstreamTLS(serverName: "orders.internal", authorities: stranger), 502),
            (UpstreamTLS(serverName: "orders.internal"), 502), (UpstreamTLS(verifies: false), 200),
        ] {
            let resources = [Pieces.route(), Pieces.cluster(origin.port, protocol: .http2, tls: tls)]
            try await GatewayHarness.run(on: transport, resources) { gateway async throws in
                let found = try await gateway.get().status
                #expect((found == 200) == (status == 200) && (found == 200 || found >= 502), "\(tls) \(found)")
            }
        }
        #expect(origin.requests.count == 2 && origin.requests[0][":scheme"] == "https")
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `an upstream that speaks HTTP-1 over TLS keeps its connections`(on transport: Transport) async throws {
        let certificate = try TestCertificate.make("orders.internal")
        let nginx = try await Nginx.start(certificate: certificate)
        let tls = UpstreamTLS(serverName: "orders.internal", authorities: text(certificate.chain))
        try await GatewayHarness.run(on: transport, [Pieces.route(), Pieces.cluster(nginx.port, tls: tls)]) {
            gateway async throws in
            let client = try await gateway.connect()
            for _ in 0..<5 {
                try await client.send(GatewayHarness.get("/v1/small"))
                #expect(try await client.response().status == 200)
            }
            try await client.send(GatewayHarness.get("/v1/large.bin"))
            #expect(try await client.response().content.count == Nginx.largeSize)
        }
        try await nginx.stop()
    }

    @Test(arguments: Transport.available)
    func `who does not choose HTTP-2 is not spoken to in it`(on transport: Transport) async throws {
        let certificate = try TestCertificate.make("orders.internal")
        let nginx = try await Nginx.start(certificate: certificate)
        let tls = UpstreamTLS(serverName: "orders.internal", authorities: text(certificate.chain))
        let resources = [Pieces.route(), Pieces.cluster(nginx.port, protocol: .http2, tls: tls)]
        try await GatewayHarness.run(on: transport, resources) { gateway async throws in
            #expect(try await gateway.get("/v1/small").status >= 502)
        }
        try await nginx.stop()
    }

    @Test(arguments: Transport.available)
    func `content goes up and comes down whole`(on transport: Transport) async throws {
        let origin = try await HTTP2Origin.start { _ in .echo(trailers: [("x-sum", "1")]) }
        try await GatewayHarness.run(on: transport, [Pieces.route(), Pieces.cluster(origin.port, protocol: .http2)]) {
            gateway async throws in
            let client = try await gateway.connect()
            let content = [UInt8]((0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
            try await client.send("POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 2000000\r\n\r\n")
            async let response = client.response()
            try await client.send(content)
            #expect(try await response.content == content)
            #expect(origin.requests[0].body == content && origin.requests[0]["content-length"] == "2000000")
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `trailers reach a client that speaks HTTP-1`(on transport: Transport) async throws {
        let origin = try await HTTP2Origin.start { _ in
            .answer(status: 200, body: "hi", trailers: [("grpc-status", "0"), ("content-length", "9")])
        }
        try await GatewayHarness.run(on: transport, [Pieces.route(), Pieces.cluster(origin.port, protocol: .http2)]) {
            gateway async throws in
            let client = try await gateway.connect()
            try await client.send(GatewayHarness.get("/v1/orders", "Connection: close\r\n"))
            let text = String(decoding: try await client.untilClosed(), as: UTF8.self)
            #expect(text.hasSuffix("2\r\nhi\r\n0\r\ngrpc-status: 0\r\n\r\n"))
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `an upstream that says goodbye is served by a new connection`(on transport: Transport) async throws {
        let origin = try await HTTP2Origin.start()
        try await GatewayHarness.run(on: transport, [Pieces.route(), Pieces.cluster(origin.port, protocol: .http2)]) {
            gateway async throws in
            #expect(try await gateway.get().status == 200)
            try await origin.leave()
            for _ in 0..<5 { #expect(try await gateway.get().status == 200) }
            #expect(origin.connections == 2)
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `a connection of HTTP-2 without streams closes after its service's idle time-out`(
        on transport: Transport
    ) async throws {
        let origin = try await HTTP2Origin.start()
        let cluster = Pieces.cluster(origin.port, idleTimeout: .milliseconds(20), protocol: .http2)
        try await GatewayHarness.run(on: transport, [Pieces.route(), cluster]) { gateway async throws in
            #expect(try await gateway.get().status == 200)
            try await origin.firstConnectionClosed()
            #expect(try await gateway.get().status == 200)
            #expect(origin.connections == 2)
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `no more streams are begun than the upstream allows`(on transport: Transport) async throws {
        let origin = try await HTTP2Origin.start(streams: 2)
        try await GatewayHarness.run(on: transport, [Pieces.route(), Pieces.cluster(origin.port, protocol: .http2)]) {
            gateway async throws in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<20 { group.addTask { try await gateway.get().status } }
                for try await status in group { #expect(status == 200) }
            }
            #expect(origin.requests.count == 20)
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `a stream that the upstream resets is a failed request, and the others go on`(
        on transport: Transport
    ) async throws {
        let origin = try await HTTP2Origin.start { head in
            head.first(name: ":path") == "/v1/bad" ? .reset(.internalError) : .answer(status: 200, body: "good")
        }
        try await GatewayHarness.run(on: transport, [Pieces.route(), Pieces.cluster(origin.port, protocol: .http2)]) {
            gateway async throws in
            #expect(try await gateway.get("/v1/good").status == 200)
            #expect(try await gateway.get("/v1/bad").status == 502)
            #expect(try await gateway.get("/v1/good").text == "good")
            #expect(origin.connections == 1)
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `a request that the upstream has not begun with is sent again, content and all`(
        on transport: Transport
    ) async throws {
        let asked = Mutex(0)
        let origin = try await HTTP2Origin.start { _ in
            let count = asked.withLock {
                $0 += 1
                return $0
            }
            return count == 1 ? .reset(.refusedStream) : .echo(trailers: [("x-sum", "1")])
        }
        try await GatewayHarness.run(on: transport, [Pieces.route(), Pieces.cluster(origin.port, protocol: .http2)]) {
            gateway async throws in
            let client = try await gateway.connect()
            try await client.send("POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 5\r\n\r\nhello")
            let response = try await client.response()
            #expect(response.status == 200 && response.text == "hello")
            #expect(asked.withLock { $0 } == 2)
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `an upstream that is not there is told as such`(on transport: Transport) async throws {
        let origin = try await HTTP2Origin.start()
        let port = origin.port
        await origin.stop()
        try await GatewayHarness.run(on: transport, [Pieces.route(), Pieces.cluster(port, protocol: .http2)]) {
            gateway async throws in
            #expect(try await gateway.get().status >= 502)
            #expect(try await gateway.get().status >= 502)
        }
    }

    /// gRPC (its HTTP/2 protocol) from client to upstream: both directions stream at once, and the status comes behind.
    @Test(arguments: Transport.available)
    func `gRPC streams both ways, with trailers`(transport: Transport) async throws {
        let origin = try await HTTP2Origin.start { _ in
            .echo(trailers: [("grpc-status", "0"), ("grpc-message", "fine")])
        }
        let resources = [Pieces.route(paths: [.prefix("/")]), Pieces.cluster(origin.port, protocol: .http2)]
        try await GatewayHarness.run(
            on: transport, resources, certificates: [try TestCertificate.make("api.acme.test")]
        ) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.securePort)
            let call = try await client.stream()
            let fields = [("content-type", "application/grpc"), ("te", "trailers"), ("grpc-timeout", "5S")]
            try await call.send(HTTP2Client.head("POST", "/orders.Orders/Watch", fields))
            for number in 1...3 {
                let message: [UInt8] = [0, 0, 0, 0, 2, UInt8(number), 7]
                try await call.send(message)
                let soFar = await call.response { $0.body.count >= 7 * number }
                #expect(Array(soFar.body.suffix(7)) == message && !soFar.hasEnded)
            }
            try await call.send([], endsStream: true)
            let response = await call.response()
            #expect(response.trailers?.first(name: "grpc-status") == "0")
            #expect(response.trailers?.first(name: "grpc-message") == "fine")
            #expect(origin.requests[0]["te"] == "trailers" && origin.requests[0]["grpc-timeout"] == "5S")
            await client.close()
        }
        await origin.stop()
    }

    /// That the other time-outs have passed is told by a request that is sent after the last message, and not answered.
    @Test(arguments: Transport.available)
    func `a gRPC stream on which nobody says anything lives for as long as its service says`(
        transport: Transport
    ) async throws {
        let origin = try await HTTP2Origin.start {
            $0.first(name: ":path") == "/silent" ? .silence : .echo(trailers: [("grpc-status", "0")])
        }
        var resources = [Pieces.route(paths: [.prefix("/")])]
        let short = Duration.milliseconds(100)
        let limits = GatewayLimits(bodyTimeout: 100_000_000)
        resources.append(
            Pieces.cluster(origin.port, responseTimeout: short, streamIdleTimeout: .seconds(60), protocol: .http2))
        try await GatewayHarness.run(
            on: transport, resources, limits: limits, certificates: [try TestCertificate.make("api.acme.test")]
        ) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.securePort)
            let call = try await client.stream()
            try await call.send(
                HTTP2Client.head("POST", "/orders.Orders/Watch", [("content-type", "application/grpc")]))
            try await call.send([0, 0, 0, 0, 1, 1])
            #expect(await call.response { $0.body.count >= 6 }.hasEnded == false)
            try await call.send([0, 0, 0, 0, 1, 2])
            _ = await call.response { $0.body.count >= 12 }
            #expect(try await client.get("/silent").status == 504)
            try await call.send([0, 0, 0, 0, 1, 3], endsStream: true)
            let response = await call.response()
            #expect(response.body.count == 18 && response.trailers?.first(name: "grpc-status") == "0")
            await client.close()
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `a gRPC answer that is all trailers stays so`(transport: Transport) async throws {
        let origin = try await HTTP2Origin.start { _ in
            .answer(status: 200, [("content-type", "application/grpc"), ("grpc-status", "12")])
        }
        let resources = [Pieces.route(paths: [.prefix("/")]), Pieces.cluster(origin.port, protocol: .http2)]
        try await GatewayHarness.run(
            on: transport, resources, certificates: [try TestCertificate.make("api.acme.test")]
        ) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.securePort)
            let call = try await client.stream()
            try await call.send(
                HTTP2Client.head("POST", "/orders.Orders/Unknown", [("content-type", "application/grpc")]),
                endsStream: true)
            let response = await call.response()
            #expect(response["grpc-status"] == "12" && response.hasEnded && response.trailers == nil)
            await client.close()
        }
        await origin.stop()
    }
}
