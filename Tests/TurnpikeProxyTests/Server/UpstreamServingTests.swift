// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry

@testable import TurnpikeProxy

/// Retries, ejections, time-outs and bounds, over sockets.
@Suite(.timeLimit(.minutes(1))) struct UpstreamServingTests {
    private let unavailable = "HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"

    private func resources(
        _ ports: Int..., requestTimeout: Duration? = nil, outlierDetection: OutlierDetection? = nil,
        retries: Retries? = nil, circuitBreakers: CircuitBreakers? = nil
    ) -> [CompiledResource] {
        [
            Pieces.route(),
            .cluster(
                CompiledCluster(
                    tenant: "acme", name: "orders", id: ResourceID(high: 3, low: 1),
                    endpoints: ports.map { .init(host: "127.0.0.1", port: $0, weight: 1) }, connectTimeout: .seconds(2),
                    responseTimeout: .seconds(10), requestTimeout: requestTimeout, outlierDetection: outlierDetection,
                    retries: retries, circuitBreakers: circuitBreakers)),
        ]
    }

    @Test(arguments: Transport.available)
    func `an answer that is a failure is tried again at another endpoint`(on transport: Transport) async throws {
        let text = unavailable
        let bad = try await Origin.start { _ in .raw(text) }
        let good = try await Origin.start()
        let retries = Retries(on: [.status(503)], budget: .init(percent: 100))
        try await GatewayHarness.run(on: transport, resources(bad.port, good.port, retries: retries)) {
            gateway async throws in
            let client = try await gateway.connect()
            for _ in 0..<20 {
                try await client.send(GatewayHarness.get())
                #expect(try await client.response().status == 200)
            }
            #expect(good.requests.count == 20 && bad.requests.count == 10)
            // The answers that were thrown away left their connection in use.
            #expect(bad.connections == 1 && gateway.usage.total.requests == 20)
        }
        await bad.stop()
        await good.stop()
    }

    @Test(arguments: Transport.available)
    func `content is sent again where the upstream closed amid the request`(on transport: Transport) async throws {
        let bad = try await Origin.start { _ in .close }
        let good = try await Origin.start()
        let retries = Retries(on: [.reset])
        try await GatewayHarness.run(on: transport, resources(bad.port, good.port, retries: retries)) {
            gateway async throws in
            let client = try await gateway.connect()
            let content = String(repeating: "x", count: 20_000)
            try await client.send("PUT /v1 HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 20000\r\n\r\n\(content)")
            #expect(try await client.response().status == 200)
            #expect(good.requests.map(\.contentBytes) == [20_000])
        }
        await bad.stop()
        await good.stop()
    }

    @Test(arguments: Transport.available)
    func `a try that takes too long is given up for another`(on transport: Transport) async throws {
        let slow = try await Origin.start { _ in .silence }
        let good = try await Origin.start()
        let retries = Retries(on: [.timeout], perTryTimeout: .milliseconds(50))
        try await GatewayHarness.run(on: transport, resources(slow.port, good.port, retries: retries)) {
            gateway async throws in
            for _ in 0..<4 { #expect(try await gateway.get().status == 200) }
            #expect(good.requests.count == 4)
        }
        await slow.stop()
        await good.stop()
    }

    @Test(arguments: Transport.available)
    func `a connection that has waited for as long as its service says is closed, and not used again`(
        on transport: Transport
    ) async throws {
        let origin = try await Origin.start()
        let cluster = Pieces.cluster(origin.port, idleTimeout: .milliseconds(1))
        try await GatewayHarness.run(on: transport, [Pieces.route(), cluster]) { gateway async throws in
            #expect(try await gateway.get().status == 200)
            // Upkeep closes it, about once a second.
            try await origin.firstConnectionClosed()
            #expect(try await gateway.get().status == 200)
            #expect(origin.connections == 2)
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `a request that takes too long as a whole is a 504`(on transport: Transport) async throws {
        let origin = try await Origin.start { _ in .silence }
        let all = resources(origin.port, requestTimeout: .milliseconds(100))
        try await GatewayHarness.run(on: transport, all) { gateway async throws in
            #expect(try await gateway.get().status == 504)
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `what is beyond a bound is refused, and counted as that`(on transport: Transport) async throws {
        let origin = try await Origin.start { _ in .silence }
        let all = resources(origin.port, circuitBreakers: CircuitBreakers(maxRequests: 1))
        try await GatewayHarness.run(on: transport, all) { gateway async throws in
            let first = try await gateway.connect()
            try await first.send(GatewayHarness.get())
            await origin.requestsArrived(1)
            let refused = try await gateway.get()
            #expect(refused.status == 503 && refused.text.contains("upstream-overloaded"))
            #expect(gateway.metrics.render().contains("reason=\"upstream-overloaded\""))
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `an ejection is counted, and sends requests elsewhere`(on transport: Transport) async throws {
        let text = unavailable
        let bad = try await Origin.start { _ in .raw(text) }
        let good = try await Origin.start()
        let all = resources(bad.port, good.port, outlierDetection: OutlierDetection(consecutive5xx: 2))
        try await GatewayHarness.run(on: transport, all) { gateway async throws in
            for _ in 0..<20 { _ = try await gateway.get() }
            #expect(bad.requests.count == 2 && good.requests.count == 18)
            #expect(gateway.metrics.render().contains("turnpike_upstream_ejections_total{"))
        }
        await bad.stop()
        await good.stop()
    }
}
