// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

/// Retries among many clients and upstreams that fail at random, seen from the upstreams.
@Suite struct RetryPropertyTests {
    private let everything: [Retries.Condition] = [.connectFailure, .reset, .timeout, .serverErrors]

    private func simulation(
        _ retries: Retries, requestTimeout: Duration? = nil, seed: UInt64
    ) throws
        -> UpstreamSimulation
    {
        try UpstreamSimulation(
            [
                Sample.route(),
                Sample.cluster(
                    endpoints: (0..<4).map { ("10.0.0.\($0)", 80) }, connectTimeout: .milliseconds(500),
                    responseTimeout: .seconds(2), requestTimeout: requestTimeout,
                    loadBalancing: LoadBalancing(algorithm: .leastRequest), retries: retries),
            ], seed: seed)
    }

    /// Lets upstreams fail in every way, in so many of ten cases.
    private func failAtRandom(_ simulation: UpstreamSimulation, _ tenths: Int, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        simulation.receives = { _, _ in
            guard Int.random(in: 0..<10, using: &random) < tenths else { return .accepts }
            return Bool.random(using: &random) ? .refuses : .ignores
        }
        simulation.replies = { _, _, _ in
            guard Int.random(in: 0..<10, using: &random) < tenths else { return .answers(200, after: .millisecond) }
            switch Int.random(in: 0..<5, using: &random) {
            case 0: return .resets(after: .millisecond)
            case 1: return .hangs
            case 2: return .says("HTTP/1.1 500 X\r\nContent-Length: 9\r\n\r\nab", after: .millisecond)
            case 3: return .says("HTTP/1.1 200 X\r\nContent-Length: 1\r\n\r\n", after: .millisecond)
            default: return .answers(503, after: .millisecond)
            }
        }
    }

    private func tag(_ request: String) -> Substring { request.split(separator: " ")[1] }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `no request is sent twice where its method is not idempotent`(seed: UInt64) throws {
        let simulation = try simulation(Retries(attempts: 5, on: everything), seed: seed)
        failAtRandom(simulation, 5, seed: seed)
        for number in 0..<400 {
            let content = number % 2 == 0 ? "Content-Length: 2\r\n\r\nab" : "\r\n"
            simulation.send(
                "\(number % 3 == 0 ? "PATCH" : "POST") /v1/orders/\(number) HTTP/1.1\r\nHost: api.acme.test\r\n\(content)"
            )
            simulation.run(for: 20 * .millisecond)
        }
        simulation.run(for: 120 * .second)
        let counts = Dictionary(grouping: simulation.arrivals) { tag($0.request) }.mapValues(\.count)
        #expect(counts.values.allSatisfy { $0 == 1 } && counts.count > 50, "seed \(seed)")
        #expect(simulation.statuses.count == 400)
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `every try of a request sends the same, and clients get one answer each`(seed: UInt64) throws {
        let simulation = try simulation(
            Retries(
                attempts: 4, on: everything, perTryTimeout: .milliseconds(400),
                budget: .init(percent: 100, minPerSecond: 100)), seed: seed)
        failAtRandom(simulation, 3, seed: seed)
        for number in 0..<400 {
            let content = String(repeating: "\(number),", count: number % 40)
            simulation.send(
                "PUT /v1/orders/\(number) HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: \(content.utf8.count)\r\n\r\n\(content)"
            )
            simulation.run(for: 50 * .millisecond)
        }
        simulation.run(for: 120 * .second)
        let tries = Dictionary(grouping: simulation.arrivals) { tag($0.request) }
        #expect(tries.values.allSatisfy { Set($0.map(\.request)).count == 1 }, "seed \(seed)")
        #expect(tries.values.contains { $0.count > 2 })
        #expect(tries.values.allSatisfy { $0.count <= 6 })
        #expect(simulation.statuses.count == 400 && simulation.recorder.total.requests == 400)
        // Half of the tries succeed (a connection in seven of ten, and then the answer): with four more, nearly all do.
        let failed = simulation.statuses.filter { $0 != 200 }
        #expect(failed.count < 40, "seed \(seed): \(failed)")
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `retries never exceed the budget, however much fails`(seed: UInt64) throws {
        let budget = Retries.Budget(percent: 20, minPerSecond: 1)
        let simulation = try simulation(Retries(attempts: 10, on: everything, budget: budget), seed: seed)
        simulation.replies = { _, _, _ in .answers(503, after: .millisecond) }
        let start = simulation.now
        for number in 1...2000 {
            simulation.get("/v1/orders/\(number)")
            simulation.run(for: 5 * .millisecond)
            let retries = simulation.arrivals.count - number
            let allowed = number * 20 / 100 + Int((simulation.now - start) / .second) + 1 + 10
            #expect(retries <= allowed, "seed \(seed): \(retries) of \(allowed)")
        }
        // It is used as well.
        #expect(simulation.arrivals.count > 2350, "seed \(seed): \(simulation.arrivals.count)")
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `no request takes longer than its service gives it`(seed: UInt64) throws {
        let simulation = try simulation(
            Retries(attempts: 10, on: everything, budget: .init(percent: 100, minPerSecond: 1000)),
            requestTimeout: .milliseconds(700), seed: seed)
        failAtRandom(simulation, 8, seed: seed)
        for number in 0..<300 {
            simulation.get("/v1/orders/\(number)")
            simulation.run(for: 20 * .millisecond)
        }
        simulation.run(for: 10 * .second)
        #expect(simulation.observer.exchanges.count == 300)
        #expect(simulation.observer.exchanges.allSatisfy { $0.duration <= 700 * .millisecond }, "seed \(seed)")
        #expect(simulation.observer.exchanges.contains { $0.attempts > 2 })
    }
}
