// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

/// What is beyond a service's bounds is refused at once, and what is within them is not.
@Suite struct CircuitBreakerTests {
    private func simulation(
        _ breakers: CircuitBreakers, retries: Retries? = nil, endpoints: Int = 2, seed: UInt64 = 1
    ) throws -> UpstreamSimulation {
        try UpstreamSimulation(resources(breakers, retries: retries, endpoints: endpoints), seed: seed)
    }

    private func resources(
        _ breakers: CircuitBreakers?, retries: Retries? = nil, endpoints: Int = 2
    ) -> [CompiledResource] {
        [
            Sample.route(),
            Sample.cluster(
                endpoints: (0..<endpoints).map { ("10.0.0.\($0)", 80) }, retries: retries, circuitBreakers: breakers),
        ]
    }

    private func load(_ simulation: UpstreamSimulation) throws -> ServiceLoad {
        let route = try #require(simulation.gateway.current?.tenants[0]?.routes.values.first)
        let service = simulation.gateway.balancers.service(
            for: route, in: &simulation.gateway.upstreams, now: simulation.now)
        return try #require(service).load
    }

    @Test(
        arguments: [
            (CircuitBreakers(maxRequests: 5), "requests in flight"),
            (CircuitBreakers(maxConnections: 5), "connections"),
            (CircuitBreakers(maxPendingRequests: 5), "requests that wait for a connection"),
        ])
    func `as many as there may be pass, and the next is refused with its own reason`(
        breakers: CircuitBreakers, reason: String
    ) throws {
        let simulation = try simulation(breakers)
        simulation.replies = { _, _, _ in .answers(200, after: .second) }
        for _ in 0..<8 { simulation.get() }
        #expect(simulation.statuses == [503, 503, 503])
        let refused = try #require(simulation.observer.exchanges.first)
        #expect(refused.refusal == .upstreamOverloaded && refused.detail?.contains(reason) == true)
        #expect(refused.upstreamStatus == nil && refused.attempts == 0)
        simulation.run(for: 2 * .second)
        #expect(simulation.statuses.count { $0 == 200 } == 5)
        // There is room again.
        for _ in 0..<5 { simulation.get() }
        simulation.run(for: 2 * .second)
        #expect(simulation.statuses.count { $0 == 200 } == 10)
    }

    @Test func `a request waits for a connection only until that is made`() throws {
        let simulation = try simulation(CircuitBreakers(maxPendingRequests: 1))
        simulation.replies = { _, _, _ in .answers(200, after: .second) }
        for _ in 0..<10 {
            simulation.get()
            simulation.run(for: .millisecond)
        }
        simulation.run(for: 2 * .second)
        #expect(simulation.statuses == Array(repeating: 200, count: 10))
    }

    @Test func `at the bound of connections those that are idle are used, wherever they are`() throws {
        let simulation = try simulation(CircuitBreakers(maxConnections: 2))
        for _ in 0..<20 {
            simulation.get()
            simulation.get()
            simulation.run(for: 10 * .millisecond)
        }
        #expect(simulation.statuses == Array(repeating: 200, count: 40))
        #expect(simulation.connects.values.reduce(0, +) == 2)
    }

    @Test func `retries beyond the bound are not made, and the answers are the clients'`() throws {
        let retries = Retries(
            on: [.serverErrors], backOff: .init(baseInterval: .seconds(10), maxInterval: .seconds(10)))
        let simulation = try simulation(CircuitBreakers(maxRetries: 2), retries: retries)
        simulation.replies = { _, _, _ in .answers(503, after: .millisecond) }
        for _ in 0..<6 { simulation.get() }
        simulation.run(for: 5 * .millisecond)
        #expect(simulation.statuses == [503, 503, 503, 503])
        #expect(try load(simulation).activeRetries == 2)
        simulation.run(for: 60 * .second)
        let left = try load(simulation).activeRetries
        #expect(simulation.statuses.count == 6 && left == 0)
    }

    @Test func `without retries, endpoints that cannot be reached are passed over, unless no retry is allowed`() throws
    {
        for (breakers, status) in [(CircuitBreakers(), 200), (CircuitBreakers(maxRetries: 0), 503)] {
            let simulation = try simulation(breakers)
            simulation.receives = { host, _ in host == "10.0.0.0" ? .refuses : .accepts }
            simulation.get()
            simulation.run(for: .second)
            #expect(simulation.statuses == [status])
        }
    }

    @Test func `bounds count what was begun under a former configuration`() throws {
        let simulation = try simulation(CircuitBreakers(maxRequests: 3))
        simulation.replies = { _, _, _ in .answers(200, after: .second) }
        for _ in 0..<3 { simulation.get() }
        try simulation.apply(resources(CircuitBreakers(maxRequests: 4), endpoints: 3))
        for _ in 0..<3 { simulation.get() }
        #expect(simulation.statuses == [503, 503])
        simulation.run(for: 3 * .second)
        #expect(simulation.statuses.count { $0 == 200 } == 4)
        #expect(try load(simulation).activeRequests == 0)
    }

    /// Seeded: upstreams that fail in every way, clients that leave, configurations that change.
    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `no bound is ever exceeded, and every count comes back to nothing`(seed: UInt64) throws {
        let retries = Retries(
            attempts: 4, on: [.connectFailure, .reset, .timeout, .serverErrors], perTryTimeout: .milliseconds(300),
            budget: .init(percent: 100, minPerSecond: 100))
        let breakers = CircuitBreakers(maxConnections: 8, maxPendingRequests: 4, maxRequests: 12, maxRetries: 5)
        let simulation = try simulation(breakers, retries: retries, endpoints: 4, seed: seed)
        // The service's own, whatever is configured later.
        let load = try load(simulation)
        var random = SeededGenerator(seed: seed)
        simulation.receives = { _, _ in
            [.accepts, .accepts, .accepts, .refuses, .ignores][Int.random(in: 0..<5, using: &random)]
        }
        simulation.replies = { _, _, _ in
            [
                .answers(200, after: 50 * .millisecond), .answers(503, after: .millisecond), .hangs,
                .resets(after: .millisecond), .says("x\r\n\r\n", after: .millisecond),
            ][Int.random(in: 0..<5, using: &random)]
        }
        for turn in 0..<600 {
            simulation.get()
            if turn % 150 == 100 { simulation.abandonAll() }
            if turn % 90 == 40 { try simulation.apply(resources(breakers, retries: retries, endpoints: 3 + turn % 3)) }
            simulation.run(for: 10 * .millisecond)
            #expect(load.activeRequests <= 12 && load.pendingRequests <= 4 && load.activeRetries <= 5, "seed \(seed)")
            #expect(load.activeRequests >= 0 && load.pendingRequests >= 0 && load.activeRetries >= 0, "seed \(seed)")
        }
        simulation.run(for: 120 * .second)
        #expect([load.activeRequests, load.pendingRequests, load.activeRetries] == [0, 0, 0], "seed \(seed)")
        #expect(simulation.observer.exchanges.count == 600)
        #expect(simulation.observer.exchanges.contains { $0.refusal == .upstreamOverloaded })
    }
}
