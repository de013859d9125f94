// SPDX-License-Identifier: Apache-2.0

import NIOHPACK
import NIOHTTP2
import Synchronization
import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeSnapshot
import TurnpikeTelemetry
import TurnpikeTestSupport

@testable import TurnpikeProxy

/// Health checks over sockets.
@Suite(.timeLimit(.minutes(1))) struct HealthServingTests {
    private func resources(
        _ ports: [Int], _ check: HealthCheck, protocol: Service.UpstreamProtocol = .http, tls: UpstreamTLS? = nil
    ) -> [CompiledResource] {
        [
            Pieces.route(),
            .cluster(
                CompiledCluster(
                    tenant: "acme", name: "orders", id: ResourceID(high: 3, low: 1),
                    endpoints: ports.map { .init(host: "127.0.0.1", port: $0, weight: 1) }, connectTimeout: .seconds(2),
                    responseTimeout: .seconds(10), protocol: `protocol`, tls: tls, healthCheck: check)),
        ]
    }

    /// Quicker than a spec may ask for.
    private func check(_ question: HealthCheck.Question, port: Int? = nil) -> HealthCheck {
        HealthCheck(question, port: port, interval: .milliseconds(40), timeout: .milliseconds(40))
    }

    private let http = HealthCheck.Question.http(.init(path: "/healthz"))

    private func sees(
        _ gateway: GatewayHarness, healthy: Int, unhealthy: Int
    ) async throws {
        func line(_ state: String, _ count: Int) -> String {
            "turnpike_upstream_endpoints{service=\"orders\",state=\"\(state)\",tenant=\"acme\"} \(count)\n"
        }
        try await until("\(healthy) healthy, \(unhealthy) unhealthy") {
            let text = gateway.metrics.render()
            return text.contains(line("healthy", healthy)) && text.contains(line("unhealthy", unhealthy))
        }
    }

    /// An upstream whose health a test sets.
    private final class Patient: Sendable {
        let answers = Mutex<Origin.Reply>(.ok("well"))
        func set(_ reply: Origin.Reply) { answers.withLock { $0 = reply } }

        func start() async throws -> Origin {
            try await Origin.start { request in
                request.target == "/healthz" ? self.answers.withLock { $0 } : .ok(request.target)
            }
        }
    }

    @Test(
        arguments: Transport.available,
        [
            Origin.Reply.raw("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"), .silence, .close,
            .rawThenReset("HTTP/1.1 2"), .raw("220 mail.test ESMTP\r\n\r\n"),
        ])
    func `an endpoint that fails its checks gets no requests until it passes them`(
        on transport: Transport, failure: Origin.Reply
    ) async throws {
        let patient = Patient()
        let (first, second) = (try await patient.start(), try await Origin.start())
        let log = RecordedLog()
        try await GatewayHarness.run(
            on: transport, resources([first.port, second.port], check(http)), logger: log.logger
        ) { gateway async throws in
            try await sees(gateway, healthy: 2, unhealthy: 0)
            patient.set(failure)
            try await sees(gateway, healthy: 1, unhealthy: 1)
            let served = first.requests.count { $0.target != "/healthz" }
            for _ in 0..<10 { #expect(try await gateway.get().status == 200) }
            #expect(first.requests.count { $0.target != "/healthz" } == served)
            patient.set(.ok("well"))
            try await sees(gateway, healthy: 2, unhealthy: 0)
            for _ in 0..<10 { #expect(try await gateway.get().status == 200) }
            #expect(first.requests.count { $0.target != "/healthz" } > served)
            // Questions are nobody's usage.
            #expect(gateway.usage.total.requests == 20)
        }
        let head = "Host: 127.0.0.1:\(first.port)\r\n"
        #expect(first.requests.first { $0.target == "/healthz" }?.head.contains(head) == true)
        #expect(
            log.lines.contains { $0.hasPrefix("warning: An endpoint is unhealthy. endpoint=127.0.0.1:\(first.port) ") })
        #expect(log.lines.contains { $0.hasPrefix("notice: An endpoint is healthy again.") })
        await first.stop()
        await second.stop()
    }

    @Test(arguments: Transport.available)
    func `a connection is enough for TCP, and none is a failure`(on transport: Transport) async throws {
        let (first, gone) = (try await Origin.start(), try await Origin.start())
        let port = gone.port
        await gone.stop()
        try await GatewayHarness.run(on: transport, resources([first.port, port], check(.tcp))) {
            gateway async throws in
            try await sees(gateway, healthy: 1, unhealthy: 1)
            let back = try await Origin.start(port: port)
            try await sees(gateway, healthy: 2, unhealthy: 0)
            await back.stop()
            try await sees(gateway, healthy: 1, unhealthy: 1)
        }
        await first.stop()
    }

    @Test(arguments: Transport.available)
    func `requests go on where all endpoints fail their checks`(on transport: Transport) async throws {
        let patient = Patient()
        patient.set(.raw("HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n"))
        let (first, second) = (try await patient.start(), try await patient.start())
        try await GatewayHarness.run(on: transport, resources([first.port, second.port], check(http))) {
            gateway async throws in
            try await sees(gateway, healthy: 0, unhealthy: 2)
            for _ in 0..<10 { #expect(try await gateway.get().status == 200) }
            #expect(first.requests.contains { $0.target != "/healthz" })
            #expect(second.requests.contains { $0.target != "/healthz" })
        }
        await first.stop()
        await second.stop()
    }

    @Test(arguments: Transport.available)
    func `a check that is taken away is asked no more, and so is one of a gateway that stops`(
        on transport: Transport
    ) async throws {
        let origin = try await Origin.start()
        let checked = resources([origin.port], check(http))
        try await GatewayHarness.run(on: transport, checked) { gateway async throws in
            await origin.requestsArrived(3)
            await gateway.server.apply(
                try GatewayConfiguration(Pieces.snapshot([Pieces.route(), Pieces.cluster(origin.port)])))
            #expect(!gateway.metrics.render().contains("state=\"healthy\",tenant=\"acme\"} 1"))
            // One may be under way.
            let count = origin.requests.count
            try await Task.sleep(for: .milliseconds(200))
            #expect(origin.requests.count <= count + 1)
            await gateway.server.apply(try GatewayConfiguration(Pieces.snapshot(checked)))
            await origin.requestsArrived(count + 3)
        }
        let count = origin.requests.count
        try await Task.sleep(for: .milliseconds(200))
        #expect(origin.requests.count == count)
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `another port can be asked`(on transport: Transport) async throws {
        let (origin, other) = (try await Origin.start(), try await Origin.start())
        try await GatewayHarness.run(on: transport, resources([origin.port], check(http, port: other.port))) {
            gateway async throws in
            await other.requestsArrived(2)
            #expect(try await gateway.get().status == 200)
        }
        #expect(origin.requests.count == 1 && other.requests.allSatisfy { $0.target == "/healthz" })
        await origin.stop()
        await other.stop()
    }
}

// MARK: - HTTP/2 and TLS

extension HealthServingTests {
    /// A server that speaks gRPC's health protocol, and whose health a test sets.
    private final class GRPCPatient: Sendable {
        private let reply = Mutex<HTTP2Origin.Reply>(.health("\u{8}\u{1}"))
        func set(_ reply: HTTP2Origin.Reply) { self.reply.withLock { $0 = reply } }

        func start(tls: ServerCertificate? = nil) async throws -> HTTP2Origin {
            try await HTTP2Origin.start(tls: tls) { head in
                head.first(name: ":path") == "/grpc.health.v1.Health/Check"
                    ? self.reply.withLock { $0 } : .answer(status: 200, body: "served")
            }
        }
    }

    @Test(
        arguments: Transport.available,
        [
            HTTP2Origin.Reply.health("\u{8}\u{2}"), .health(""), .health("\u{8}\u{1}", status: "14"),
            .answer(status: 200, [("content-type", "application/grpc"), ("grpc-status", "5")]),
            .answer(status: 503), .reset(.internalError), .silence,
        ])
    func `gRPC's health protocol takes an endpoint out and brings it back`(
        on transport: Transport, failure: HTTP2Origin.Reply
    ) async throws {
        let (ill, well) = (GRPCPatient(), GRPCPatient())
        let (first, second) = (try await ill.start(), try await well.start())
        let check = check(.grpc(.init(service: "orders.Orders")))
        try await GatewayHarness.run(on: transport, resources([first.port, second.port], check, protocol: .http2)) {
            gateway async throws in
            try await sees(gateway, healthy: 2, unhealthy: 0)
            ill.set(failure)
            try await sees(gateway, healthy: 1, unhealthy: 1)
            for _ in 0..<5 { #expect(try await gateway.get().text == "served") }
            #expect(!first.requests.contains { $0[":path"] == "/v1/orders" })
            ill.set(.health("\u{8}\u{1}"))
            try await sees(gateway, healthy: 2, unhealthy: 0)
        }
        let question = try #require(second.requests.first)
        #expect(question[":method"] == "POST" && question[":scheme"] == "http" && question["te"] == "trailers")
        #expect(question["content-type"] == "application/grpc" && question["grpc-timeout"] == "40m")
        #expect(question[":authority"] == "127.0.0.1:\(second.port)" && question["content-length"] == nil)
        #expect(question.body == [0, 0, 0, 0, 15, 10, 13] + Array("orders.Orders".utf8))
        await first.stop()
        await second.stop()
    }

    @Test(arguments: Transport.available)
    func `gRPC is asked over TLS, by HTTP-2 whatever is served, and each time on a connection of its own`(
        on transport: Transport
    ) async throws {
        let certificate = try TestCertificate.make("orders.internal")
        let origin = try await GRPCPatient().start(tls: certificate)
        let authorities = String(decoding: certificate.chain, as: UTF8.self)
        for (name, isHealthy) in [("orders.internal", true), ("other.internal", false)] {
            let resources = resources(
                [origin.port], HealthCheck(.grpc(.init()), interval: .milliseconds(40), timeout: .seconds(5)),
                tls: UpstreamTLS(serverName: name, authorities: authorities))
            try await GatewayHarness.run(on: transport, resources) { gateway async throws in
                try await sees(gateway, healthy: isHealthy ? 1 : 0, unhealthy: isHealthy ? 0 : 1)
                if isHealthy { try await until("asked again") { origin.requests.count >= 3 } }
            }
        }
        #expect(origin.requests.allSatisfy { $0[":scheme"] == "https" && $0.body == [0, 0, 0, 0, 0] })
        #expect(origin.connections >= origin.requests.count)
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `an endpoint that is asked by HTTP-1 over TLS has to prove its name`(on transport: Transport) async throws {
        let certificate = try TestCertificate.make("orders.internal")
        let nginx = try await Nginx.start(certificate: certificate)
        let authorities = String(decoding: certificate.chain, as: UTF8.self)
        for (name, isHealthy) in [("orders.internal", true), ("other.internal", false)] {
            let resources = resources(
                [nginx.port],
                HealthCheck(.http(.init(path: "/v1/small")), interval: .milliseconds(40), timeout: .seconds(5)),
                tls: UpstreamTLS(serverName: name, authorities: authorities))
            try await GatewayHarness.run(on: transport, resources) { gateway async throws in
                try await sees(gateway, healthy: isHealthy ? 1 : 0, unhealthy: isHealthy ? 0 : 1)
            }
        }
        #expect(Set(nginx.arrived) == ["GET /v1/small 200"])
        try await nginx.stop()
    }
}

extension HTTP2Origin.Reply {
    /// A `HealthCheckResponse` of fewer than 128 characters.
    fileprivate static func health(_ message: String, status: String = "0") -> HTTP2Origin.Reply {
        let length = Character(Unicode.Scalar(UInt8(message.utf8.count)))
        return .answer(
            status: 200, [("content-type", "application/grpc")], body: "\0\0\0\0\(length)" + message,
            trailers: [("grpc-status", status)])
    }
}
