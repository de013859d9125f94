// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

/// Active health checks, seen from the upstreams.
@Suite struct HealthCheckTests {
    private let check = HealthCheck(.http(.init(path: "/healthz")))

    private func hosts(_ count: Int) -> [(String, Int)] { (0..<count).map { ("10.0.0.\($0)", 80) } }

    private func cluster(
        _ count: Int, _ check: HealthCheck?, _ loadBalancing: LoadBalancing? = nil, _ detection: OutlierDetection? = nil
    ) -> CompiledResource {
        Sample.cluster(
            endpoints: hosts(count), loadBalancing: loadBalancing, outlierDetection: detection, healthCheck: check)
    }

    private func simulation(
        _ count: Int, _ check: HealthCheck?, _ loadBalancing: LoadBalancing? = nil,
        _ detection: OutlierDetection? = nil, seed: UInt64 = 1
    ) throws -> UpstreamSimulation {
        try UpstreamSimulation([Sample.route(), cluster(count, check, loadBalancing, detection)], seed: seed)
    }

    /// Requests that reached each endpoint, of so many.
    private func load(_ simulation: UpstreamSimulation, _ count: Int = 100) -> [String: Int] {
        let before = simulation.arrivals.count
        for turn in 0..<count {
            simulation.get(fields: "X-User: \(turn)\r\n")
            simulation.run(for: 5 * .millisecond)
        }
        return simulation.arrivals[before...].reduce(into: [:]) { $0[$1.host, default: 0] += 1 }
    }

    @Test(arguments: LoadBalancing.Algorithm.allCases)
    func `an endpoint that fails its checks gets nothing until it has passed some`(
        algorithm: LoadBalancing.Algorithm
    ) throws {
        let input: LoadBalancing.HashInput? = algorithm == .maglev ? .header("X-User") : nil
        let simulation = try simulation(3, check, LoadBalancing(algorithm: algorithm, hashOn: input))
        simulation.run(for: 5 * .second)
        #expect(load(simulation).count == 3)
        var isIll = true
        simulation.probeReplies = { host, _ in isIll && host == "10.0.0.1" ? 500 : 200 }
        // Three bad answers, at 11 s each at the most.
        simulation.run(for: 34 * .second)
        #expect(simulation.observer.healthChanges.filter { !$0.isFirst }.map(\.isHealthy) == [false])
        #expect(simulation.observer.healthChanges.last?.status == 500)
        #expect(load(simulation).keys.sorted() == ["10.0.0.0", "10.0.0.2"])
        isIll = false
        simulation.run(for: 8 * .second)
        #expect(load(simulation).count == 2, "one good answer is not enough")
        simulation.run(for: 15 * .second)
        #expect(simulation.observer.healthChanges.last?.isHealthy == true)
        #expect(load(simulation).count == 3)
        #expect(simulation.statuses.allSatisfy { $0 == 200 })
    }

    @Test func `what is good between two bad answers begins the count anew`() throws {
        let simulation = try simulation(2, check)
        simulation.run(for: 5 * .second)
        var number = 0
        simulation.probeReplies = { host, _ in
            guard host == "10.0.0.1" else { return 200 }
            number += 1
            return number % 3 == 0 ? 200 : 503
        }
        simulation.run(for: 300 * .second)
        #expect(number > 20 && simulation.observer.healthChanges.allSatisfy(\.isHealthy))
    }

    @Test func `the first answer decides, within a second of the start`() throws {
        let simulation = try simulation(3, check)
        simulation.probeReplies = { host, _ in host == "10.0.0.1" ? nil : 200 }
        // Nobody waits for it.
        #expect(load(simulation, 3).count == 3)
        simulation.run(for: 1010 * .millisecond)
        #expect(simulation.observer.healthChanges.map(\.isHealthy).sorted { !$0 && $1 } == [false, true, true])
        #expect(simulation.observer.healthChanges.first { !$0.isHealthy }?.failure == .connect)
        #expect(load(simulation).keys.sorted() == ["10.0.0.0", "10.0.0.2"])
        let count = try #require(simulation.observer.counts["orders"])
        #expect(count.healthy == 2 && count.unhealthy == 1 && count.unknown == 0)
    }

    @Test func `where all are unhealthy, checks are disregarded`() throws {
        let simulation = try simulation(3, check)
        simulation.run(for: 5 * .second)
        simulation.probeReplies = { _, _ in 404 }
        simulation.run(for: 40 * .second)
        #expect(simulation.observer.counts["orders"]?.unhealthy == 3)
        #expect(load(simulation).count == 3 && simulation.statuses.allSatisfy { $0 == 200 })
        // As soon as there is one, it is the one.
        simulation.probeReplies = { host, _ in host == "10.0.0.2" ? 200 : 404 }
        simulation.run(for: 23 * .second)
        #expect(load(simulation).keys.sorted() == ["10.0.0.2"])
    }

    @Test func `an endpoint without weight is no reason to leave out the others`() throws {
        let resources = [
            Sample.route(), Sample.cluster(endpoints: hosts(2), weights: [1, 0], healthCheck: check),
        ]
        let simulation = try UpstreamSimulation(resources, seed: 1)
        simulation.probeReplies = { host, _ in host == "10.0.0.0" ? 500 : 200 }
        simulation.run(for: 2 * .second)
        #expect(simulation.observer.counts["orders"]?.unhealthy == 1)
        #expect(load(simulation).keys.sorted() == ["10.0.0.0"])
    }

    @Test func `of two backends the one with healthy endpoints gets the requests`() throws {
        let resources = [
            Sample.route(backends: [("sick", 1), ("well", 1)]),
            Sample.cluster("sick", endpoints: [("10.0.0.0", 80)], healthCheck: check),
            Sample.cluster("well", endpoints: [("10.0.0.1", 80)]),
        ]
        let simulation = try UpstreamSimulation(resources, seed: 1)
        #expect(load(simulation).count == 2)
        simulation.probeReplies = { _, _ in 500 }
        simulation.run(for: 60 * .second)
        #expect(load(simulation) == ["10.0.0.1": 100])
        // Better a sick one than none.
        simulation.receives = { host, _ in host == "10.0.0.1" ? .refuses : .accepts }
        simulation.run(for: 61 * .second)
        _ = load(simulation)
        #expect(simulation.statuses.suffix(90).allSatisfy { $0 == 200 })
    }

    @Test func `an endpoint that is added is asked at once, and gets nothing before it has answered`() throws {
        let simulation = try simulation(2, check)
        simulation.run(for: 30 * .second)
        simulation.probeReplies = { host, _ in host == "10.0.0.2" ? 0 : 200 }
        let before = simulation.now
        try simulation.change(set: [cluster(3, check)])
        #expect(simulation.probed.last?.host == "10.0.0.2" && simulation.probed.last?.time == before)
        #expect(load(simulation).count == 2)
        simulation.run(for: 5 * .second)
        #expect(simulation.observer.healthChanges.last?.failure == .timeout)
        simulation.probeReplies = { _, _ in 200 }
        simulation.run(for: 23 * .second)
        #expect(load(simulation).count == 3)
    }

    @Test func `what is known outlives a change of the service, and of the check`() throws {
        let simulation = try simulation(2, check)
        simulation.probeReplies = { host, _ in host == "10.0.0.0" ? 500 : 200 }
        simulation.run(for: 2 * .second)
        try simulation.change(set: [cluster(3, check)])
        simulation.run(for: .second)
        #expect(load(simulation).keys.sorted() == ["10.0.0.1", "10.0.0.2"])
        try simulation.change(set: [cluster(2, HealthCheck(.tcp, interval: .seconds(60)))])
        #expect(load(simulation).keys.sorted() == ["10.0.0.1"])
        #expect(simulation.observer.counts["orders"]?.unhealthy == 1)
        // A whole configuration that says the same changes nothing either.
        try simulation.apply([Sample.route(), cluster(2, HealthCheck(.tcp, interval: .seconds(60)))])
        #expect(load(simulation).keys.sorted() == ["10.0.0.1"])
    }

    @Test func `who is not to be checked any more is asked no more, and judged no more`() throws {
        let simulation = try simulation(3, check)
        simulation.probeReplies = { host, _ in host == "10.0.0.0" ? 500 : 200 }
        simulation.run(for: 20 * .second)
        try simulation.change(set: [cluster(2, check)])
        let before = simulation.probed.count
        simulation.run(for: 30 * .second)
        #expect(Set(simulation.probed[before...].map(\.host)) == ["10.0.0.0", "10.0.0.1"])
        try simulation.change(set: [cluster(2, nil)])
        let after = simulation.probed.count
        #expect(load(simulation).count == 2 && simulation.gateway.nextWatch == nil)
        simulation.run(for: 30 * .second)
        #expect(simulation.probed.count == after)
        let count = try #require(simulation.observer.counts["orders"])
        #expect(count.healthy == 0 && count.unhealthy == 0 && count.unknown == 0)
        try simulation.change(set: [cluster(2, check)])
        try simulation.change(removed: [cluster(2, check).name, Sample.route().name])
        #expect(simulation.gateway.nextWatch == nil)
    }

    @Test func `an answer that comes when nobody asks any more changes nothing`() throws {
        let simulation = try simulation(2, check)
        simulation.probeReplies = { _, _ in 0 }
        simulation.run(for: 990 * .millisecond)
        #expect(!simulation.probed.isEmpty)
        try simulation.change(set: [cluster(2, nil)])
        simulation.run(for: 5 * .second)
        #expect(simulation.observer.healthChanges.isEmpty && simulation.gateway.nextWatch == nil)
    }

    @Test func `questions come an interval apart, and do not stay together`() throws {
        let simulation = try simulation(20, check)
        simulation.run(for: 600 * .second)
        let times = Dictionary(grouping: simulation.probed, by: \.host).mapValues { $0.map(\.time) }
        #expect(times.count == 20)
        var pauses: [UInt64] = []
        for times in times.values { pauses += zip(times, times.dropFirst()).map { $1 - $0 } }
        #expect(pauses.allSatisfy { (9 * .second...11 * .second + 2 * .millisecond).contains($0) })
        #expect(Set(pauses.map { $0 / (100 * .millisecond) }).count > 15)
        // All that began within a second are spread over the interval by now.
        let last = simulation.probed.suffix(20).map(\.time)
        #expect((last.last ?? 0) - (last.first ?? 0) > 7 * .second)
    }

    @Test func `a shorter interval counts at once`() throws {
        let simulation = try simulation(2, HealthCheck(.tcp, interval: .seconds(3600)))
        simulation.run(for: 2 * .second)
        try simulation.change(set: [cluster(2, HealthCheck(.tcp, interval: .seconds(2)))])
        let before = simulation.probed.count
        simulation.run(for: 21 * .second)
        #expect((18...24).contains(simulation.probed.count - before))
    }

    @Test func `one that is healthy again comes back by and by`() throws {
        let simulation = try simulation(
            2, check, LoadBalancing(algorithm: .roundRobin, slowStart: .seconds(100)))
        simulation.probeReplies = { host, _ in host == "10.0.0.0" ? 500 : 200 }
        simulation.run(for: 5 * .second)
        simulation.probeReplies = { _, _ in 200 }
        while simulation.observer.healthChanges.last?.endpoint.host != "10.0.0.0" { simulation.run(for: .second) }
        while simulation.observer.healthChanges.last?.isHealthy == false { simulation.run(for: .second) }
        #expect((5...15).contains(load(simulation)["10.0.0.0"] ?? 0))
        simulation.run(for: 100 * .second)
        #expect((45...55).contains(load(simulation)["10.0.0.0"] ?? 0))
    }

    @Test func `a good answer ends the pause of an endpoint that could not be reached`() throws {
        func connects(_ check: HealthCheck?) throws -> Int {
            let simulation = try simulation(2, check)
            simulation.receives = { host, _ in host == "10.0.0.0" ? .refuses : .accepts }
            for _ in 0..<200 {
                simulation.get()
                simulation.run(for: 500 * .millisecond)
            }
            return simulation.connects["10.0.0.0"] ?? 0
        }
        // After 1, 2, 4, … 30 seconds; or after each answer, ten seconds apart, and a second or two later.
        let (without, with) = (try connects(nil), try connects(check))
        #expect((5...9).contains(without) && with >= 2 * without, "\(without), \(with)")
    }

    @Test func `a good answer does not end an ejection`() throws {
        let simulation = try simulation(2, check, nil, OutlierDetection(consecutive5xx: 1, maxEjectionPercent: 50))
        simulation.run(for: 5 * .second)
        simulation.replies = { host, _, _ in .answers(host == "10.0.0.0" ? 500 : 200, after: 1) }
        _ = load(simulation, 4)
        #expect(simulation.observer.ejections.count == 1)
        simulation.run(for: 20 * .second)
        #expect(load(simulation).keys.sorted() == ["10.0.0.1"] && simulation.observer.ejections.count == 1)
    }

    @Test func `questions are no traffic`() throws {
        let simulation = try UpstreamSimulation(
            [
                Sample.route(),
                Sample.cluster(
                    endpoints: hosts(2), circuitBreakers: CircuitBreakers(maxConnections: 1, maxPendingRequests: 1),
                    healthCheck: check),
            ], seed: 1)
        simulation.probeReplies = { _, _ in 0 }
        simulation.run(for: 1500 * .millisecond)
        #expect(simulation.gateway.upstreams.openCount == 0 && simulation.probed.count == 2)
        simulation.get()
        simulation.run(for: .second)
        #expect(simulation.statuses == [200] && simulation.recorder.total.requests == 1)
        #expect(simulation.observer.failures.isEmpty)
    }

    @Test func `one tenant's questions are bounded, and no other's wait for them`() throws {
        let many = (0..<100).map { ("10.1.0.\($0)", 80) }
        let slow = HealthCheck(.http(.init(path: "/")), interval: .seconds(60), timeout: .seconds(60))
        let simulation = try UpstreamSimulation(
            [
                Sample.route(), Sample.cluster(endpoints: many, healthCheck: slow),
                Sample.route(tenant: "other", hosts: ["api.other.test"]),
                Sample.cluster(tenant: "other", endpoints: [("10.2.0.1", 80)], healthCheck: check),
            ], seed: 1)
        simulation.probeReplies = { host, _ in host.hasPrefix("10.1.") ? 0 : 200 }
        simulation.run(for: 30 * .second)
        #expect(simulation.probed.count { $0.host.hasPrefix("10.1.") } == HealthSchedule.mostOfTenant)
        #expect((3...5).contains(simulation.probed.count { $0.host == "10.2.0.1" }))
        // Those that had to wait come next.
        simulation.run(for: 40 * .second)
        #expect(Set(simulation.probed.map(\.host)).count == 101)
    }
}
