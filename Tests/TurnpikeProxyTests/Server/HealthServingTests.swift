// SPDX-License-Identifier: Apache-2.0

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
        _ ports: [Int], _ check: HealthCheck, loadBalancing: LoadBalancing? = nil
    ) -> [CompiledResource] {
        [
            Pieces.route(),
            .cluster(
                CompiledCluster(
                    tenant: "acme", name: "orders", id: ResourceID(high: 3, low: 1),
                    endpoints: ports.map { .init(host: "127.0.0.1", port: $0, weight: 1) }, connectTimeout: .seconds(2),
                    responseTimeout: .seconds(10), loadBalancing: loadBalancing, healthCheck: check)),
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
