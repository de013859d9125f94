// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

/// Outlier detection and slow start, seen from the upstreams.
@Suite struct EjectionTests {
    private func simulation(
        _ count: Int, _ detection: OutlierDetection?, _ loadBalancing: LoadBalancing? = nil, seed: UInt64 = 1
    ) throws -> UpstreamSimulation {
        try UpstreamSimulation(resources(count, detection, loadBalancing), seed: seed)
    }

    private func resources(
        _ count: Int, _ detection: OutlierDetection?, _ loadBalancing: LoadBalancing? = nil
    ) -> [CompiledResource] {
        [
            Sample.route(),
            Sample.cluster(
                endpoints: (0..<count).map { ("10.0.0.\($0)", 80) }, loadBalancing: loadBalancing,
                outlierDetection: detection),
        ]
    }

    private let detection = OutlierDetection(
        consecutive5xx: 3, baseEjectionTime: .seconds(10), maxEjectionTime: .seconds(60), maxEjectionPercent: 50)

    @Test(arguments: LoadBalancing.Algorithm.allCases)
    func `an endpoint that fails gets nothing while it is ejected, and then something again`(
        algorithm: LoadBalancing.Algorithm
    ) throws {
        let input: LoadBalancing.HashInput? = algorithm == .maglev ? .header("X-User") : nil
        let simulation = try simulation(4, detection, LoadBalancing(algorithm: algorithm, hashOn: input))
        simulation.replies = { host, _, _ in .answers(host == "10.0.0.2" ? 500 : 200, after: 1 * .millisecond) }
        func load(_ seconds: Int) -> Int {
            let before = simulation.arrivals(at: "10.0.0.2")
            for turn in 0..<seconds * 100 {
                simulation.get(fields: "X-User: \(turn)\r\n")
                simulation.run(for: 10 * .millisecond)
            }
            return simulation.arrivals(at: "10.0.0.2") - before
        }
        _ = load(1)
        #expect(simulation.observer.ejections == ["orders"])
        // Nine seconds later it is out still.
        #expect(load(8) == 0)
        _ = load(2)
        // It has come back, failed, and is out for twice as long.
        #expect(simulation.observer.ejections.count == 2 && load(15) == 0)
        simulation.replies = { _, _, _ in .answers(200, after: 1 * .millisecond) }
        simulation.run(for: 20 * .second)
        #expect(load(1) > 10)
        #expect(simulation.observer.ejections.count == 2)
    }

    @Test func `no more endpoints are out than the percentage allows`() throws {
        let simulation = try simulation(10, detection)
        simulation.replies = { _, _, _ in .answers(503, after: 1 * .millisecond) }
        for _ in 0..<500 {
            simulation.get()
            simulation.run(for: 10 * .millisecond)
        }
        #expect(simulation.observer.ejections.count == 5)
        let last = simulation.arrivals.suffix(100).map(\.host)
        #expect(Set(last).count == 5 && simulation.statuses.allSatisfy { $0 == 503 })
    }

    @Test(
        arguments: [
            UpstreamSimulation.Reply.resets(after: 1), .hangs, .says("nonsense\r\n\r\n", after: 1),
            .says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", after: 1),
        ])
    func `an answer that does not come, or not whole, is a gateway error`(reply: UpstreamSimulation.Reply) throws {
        let detection = OutlierDetection(consecutive5xx: 0, consecutiveGatewayErrors: 1)
        let simulation = try simulation(2, detection)
        simulation.replies = { host, _, _ in host == "10.0.0.0" ? reply : .answers(200, after: 1) }
        simulation.get()
        simulation.run(for: 10 * .second)
        #expect(simulation.observer.ejections == ["orders"])
        for _ in 0..<5 {
            simulation.get()
            simulation.run(for: 10 * .millisecond)
        }
        #expect(simulation.arrivals(at: "10.0.0.1") == 5)
    }

    @Test func `a client that leaves or is slow says nothing about the endpoint`() throws {
        let simulation = try simulation(2, OutlierDetection(consecutive5xx: 1))
        simulation.replies = { _, _, _ in .hangs }
        for _ in 0..<5 {
            simulation.get()
            simulation.run(for: 10 * .millisecond)
            simulation.abandonAll()
        }
        simulation.send("PUT /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 9\r\n\r\nabc")
        simulation.run(for: 65 * .second)
        #expect(simulation.observer.ejections.isEmpty && simulation.statuses == [408])
    }

    @Test func `an ejection outlives a change of the service`() throws {
        let simulation = try simulation(2, detection)
        simulation.replies = { host, _, _ in .answers(host == "10.0.0.0" ? 500 : 200, after: 1) }
        for _ in 0..<10 {
            simulation.get()
            simulation.run(for: 10 * .millisecond)
        }
        #expect(simulation.observer.ejections.count == 1)
        try simulation.apply(resources(3, detection))
        let before = simulation.arrivals(at: "10.0.0.0")
        for _ in 0..<10 {
            simulation.get()
            simulation.run(for: 10 * .millisecond)
        }
        #expect(simulation.arrivals(at: "10.0.0.0") == before && simulation.arrivals(at: "10.0.0.2") == 5)
    }

    /// Seeded: whatever fails when, nothing reaches an endpoint within an ejection.
    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `no request reaches an endpoint between its ejection and its return`(seed: UInt64) throws {
        let simulation = try simulation(5, detection, seed: seed)
        var random = SeededGenerator(seed: seed)
        var bad: Set<String> = []
        simulation.replies = { host, _, _ in .answers(bad.contains(host) ? 502 : 200, after: 1 * .millisecond) }
        let route = try #require(simulation.gateway.current?.tenants[0]?.routes.values.first)
        for _ in 0..<3000 {
            if Int.random(in: 0..<200, using: &random) == 0 {
                bad = Set((0..<2).map { _ in "10.0.0.\(Int.random(in: 0..<5, using: &random))" })
            }
            let service = simulation.gateway.balancers.service(
                for: route, in: &simulation.gateway.upstreams, now: simulation.now)
            let out = Set(
                service?.endpoints.filter { $0.outlier.isEjected(now: simulation.now) }.map(\.address.host) ?? [])
            #expect(out.count <= 2, "seed \(seed)")
            let seen = simulation.arrivals.count
            simulation.get()
            simulation.run(for: 20 * .millisecond)
            #expect(simulation.arrivals[seen...].allSatisfy { !out.contains($0.host) }, "seed \(seed)")
        }
        #expect(!simulation.observer.ejections.isEmpty)
    }

    // MARK: - Slow start

    @Test(arguments: [0, 1, 5, 10, 50, 100])
    func `the weight grows in a straight line from a tenth`(seconds: UInt64) {
        let percent = SlowStart.percent(since: .second, lasting: 100 * .second, now: (seconds + 1) * .second)
        #expect(percent == max(10, Int(seconds)))
        #expect(SlowStart.percent(since: 0, lasting: 100 * .second, now: seconds * .second) == 100)
        #expect(SlowStart.percent(since: .max, lasting: 100 * .second, now: seconds * .second) == 10)
    }

    @Test(arguments: [LoadBalancing.Algorithm.roundRobin, .leastRequest])
    func `an endpoint that is added, and one that comes back, get their share by and by`(
        algorithm: LoadBalancing.Algorithm
    ) throws {
        let balancing = LoadBalancing(algorithm: algorithm, slowStart: .seconds(10))
        let simulation = try simulation(2, detection, balancing)
        /// The share in percent that one gets in each of so many spans of two seconds.
        func shares(of host: String, spans: Int) -> [Int] {
            (0..<spans).map { _ in
                let before = simulation.arrivals(at: host)
                for _ in 0..<200 {
                    simulation.get()
                    simulation.run(for: 10 * .millisecond)
                }
                return (simulation.arrivals(at: host) - before) / 2
            }
        }
        // What is there from the first has its share at once.
        #expect((40...60).contains(shares(of: "10.0.0.1", spans: 1)[0]))
        try simulation.apply(resources(3, detection, balancing))
        let added = shares(of: "10.0.0.2", spans: 6)
        #expect(added[0] < 15 && added[0] < added[4] && (25...42).contains(added[5]), "\(added)")

        simulation.replies = { host, _, _ in .answers(host == "10.0.0.2" ? 500 : 200, after: 1) }
        _ = shares(of: "10.0.0.2", spans: 1)
        #expect(simulation.observer.ejections.count == 1)
        simulation.replies = { _, _, _ in .answers(200, after: 1) }
        simulation.run(for: 8 * .second + 500 * .millisecond)
        let back = shares(of: "10.0.0.2", spans: 6)
        #expect(back[0] < 15 && back[0] < back[4] && (25...42).contains(back[5]), "\(back)")
    }

    @Test func `one that could not be reached comes back by and by too`() throws {
        let simulation = try simulation(2, nil, LoadBalancing(algorithm: .roundRobin, slowStart: .seconds(100)))
        simulation.receives = { host, _ in host == "10.0.0.0" ? .refuses : .accepts }
        simulation.get()
        simulation.run(for: .second)
        simulation.receives = { _, _ in .accepts }
        simulation.run(for: .second)
        for _ in 0..<200 {
            simulation.get()
            simulation.run(for: 10 * .millisecond)
        }
        #expect((12...24).contains(simulation.arrivals(at: "10.0.0.0")), "\(simulation.arrivals(at: "10.0.0.0"))")
    }
}
