// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// Zones, seen from the upstreams: four endpoints of zone `a`, and two elsewhere.
@Suite struct ZoneTests {
    private let check = HealthCheck(.http(.init(path: "/healthz")))
    private let own: Set<String> = ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3"]

    private func cluster(
        _ algorithm: LoadBalancing.Algorithm = .roundRobin, minHealthyPercent: Int? = 50, check: HealthCheck? = nil,
        detection: OutlierDetection? = nil, retries: Retries? = nil
    ) -> CompiledResource {
        Sample.cluster(
            endpoints: (0..<6).map { ("10.0.0.\($0)", 80) }, zones: ["a", "a", "a", "a", "b", nil],
            loadBalancing: LoadBalancing(
                algorithm: algorithm, hashOn: algorithm == .maglev ? .header("X-User") : nil,
                localityAwareness: minHealthyPercent.map { .init(minHealthyPercent: $0) }),
            outlierDetection: detection, retries: retries, healthCheck: check)
    }

    private func simulation(_ cluster: CompiledResource, zone: String? = "a") throws -> UpstreamSimulation {
        let simulation = try UpstreamSimulation([Sample.route(), cluster], seed: 3, zone: zone)
        simulation.run(for: 2 * .second)
        return simulation
    }

    /// Requests that reached each endpoint, of so many, each of a user of its own.
    private func load(_ simulation: UpstreamSimulation, _ count: Int = 600) -> [String: Int] {
        let before = simulation.arrivals.count
        for turn in 0..<count {
            simulation.get(fields: "X-User: \(turn)\r\n")
            simulation.run(for: 2 * .millisecond)
        }
        return simulation.arrivals[before...].reduce(into: [:]) { $0[$1.host, default: 0] += 1 }
    }

    @Test(arguments: LoadBalancing.Algorithm.allCases)
    func `requests stay in the gateway's zone, spread as ever`(algorithm: LoadBalancing.Algorithm) throws {
        let load = load(try simulation(cluster(algorithm)))
        #expect(Set(load.keys) == own)
        #expect(load.values.allSatisfy { (100...200).contains($0) }, "\(load)")
    }

    @Test(arguments: LoadBalancing.Algorithm.allCases)
    func `as too few of the zone are healthy, requests go elsewhere in proportion`(
        algorithm: LoadBalancing.Algorithm
    ) throws {
        let simulation = try simulation(cluster(algorithm, check: check))
        // Of four: half is enough; a quarter bears half of the requests; none bears none.
        for (ill, stay) in [(2, 1.0), (3, 0.5), (4, 0.0), (0, 1.0)] {
            simulation.probeReplies = { host, _ in ill > 0 && host < "10.0.0.\(ill)" ? 500 : 200 }
            simulation.run(for: 40 * .second)
            let load = load(simulation)
            let stayed = load.filter { own.contains($0.key) }
            #expect(stayed.keys.allSatisfy { $0 >= "10.0.0.\(ill)" })
            #expect(abs(Double(stayed.values.reduce(0, +)) / 600 - stay) < 0.08, "\(ill) ill: \(load)")
            // What goes elsewhere goes to all others.
            #expect(stay == 1 || load.count { !own.contains($0.key) } == 2)
        }
        #expect(simulation.statuses.allSatisfy { $0 == 200 })
    }

    @Test func `one user stays with one endpoint, in whatever zone, with maglev`() throws {
        let simulation = try simulation(cluster(.maglev, minHealthyPercent: 100, check: check))
        simulation.probeReplies = { host, _ in host < "10.0.0.2" ? 500 : 200 }
        simulation.run(for: 40 * .second)
        for user in 0..<40 {
            let before = simulation.arrivals.count
            for _ in 0..<5 {
                simulation.get(fields: "X-User: \(user)\r\n")
                simulation.run(for: 2 * .millisecond)
            }
            #expect(Set(simulation.arrivals[before...].map(\.host)).count == 1)
        }
        #expect(Set(simulation.arrivals.map(\.host)).count == 4)
    }

    @Test func `where no endpoint is healthy anywhere, requests stay`() throws {
        let simulation = try simulation(cluster(check: check))
        simulation.probeReplies = { _, _ in 500 }
        simulation.run(for: 40 * .second)
        #expect(Set(load(simulation).keys) == own)
    }

    @Test func `one that is ejected is not healthy until it is back`() throws {
        let detection = OutlierDetection(
            consecutive5xx: 1, baseEjectionTime: .seconds(30), maxEjectionTime: .seconds(30), maxEjectionPercent: 100)
        let simulation = try simulation(cluster(minHealthyPercent: 100, detection: detection))
        simulation.replies = { host, _, _ in .answers(host < "10.0.0.2" ? 500 : 200, after: 1_000_000) }
        _ = load(simulation, 8)
        #expect(simulation.observer.ejections.count == 2)
        simulation.replies = { _, _, _ in .answers(200, after: 1_000_000) }
        let out = load(simulation)
        #expect(abs((out["10.0.0.2"] ?? 0) + (out["10.0.0.3"] ?? 0) - 300) < 50, "\(out)")
        simulation.run(for: 31 * .second)
        #expect(Set(load(simulation).keys) == own)
    }

    /// Of four; half have to be healthy.
    @Test(arguments: LoadBalancing.Algorithm.allCases, [(2, 1.0), (3, 0.5), (4, 0.0)])
    func `who cannot be reached is not healthy, and no request fails for him`(
        algorithm: LoadBalancing.Algorithm, _ case: (refusing: Int, stay: Double)
    ) throws {
        let simulation = try simulation(cluster(algorithm))
        simulation.receives = { host, _ in host < "10.0.0.\(`case`.refusing)" ? .refuses : .accepts }
        // They are found out, and now and then looked at again.
        _ = load(simulation, 2000)
        simulation.run(for: .second)
        let load = load(simulation)
        let stayed = load.filter { own.contains($0.key) }.values.reduce(0, +)
        #expect(abs(Double(stayed) / 600 - `case`.stay) < 0.08, "\(load)")
        #expect(simulation.statuses.allSatisfy { $0 == 200 })
        simulation.receives = { _, _ in .accepts }
        simulation.run(for: 31 * .second)
        #expect(Set(self.load(simulation).keys).isSubset(of: own))
    }

    @Test(arguments: [1, 3, 7])
    func `the last try of a request leaves a zone that is cut off`(attempts: Int) throws {
        let retries = Retries(attempts: attempts, on: [.connectFailure])
        let zone = (0..<16).map { ("10.0.1.\($0)", 80) }
        let simulation = try simulation(
            Sample.cluster(
                endpoints: zone + [("10.0.2.0", 80)], zones: zone.map { _ in "a" } + ["b"],
                loadBalancing: LoadBalancing(algorithm: .roundRobin, localityAwareness: .init()), retries: retries))
        simulation.receives = { host, _ in host < "10.0.2" ? .refuses : .accepts }
        simulation.get()
        simulation.run(for: .second)
        #expect(simulation.statuses == [200] && simulation.connects.values.reduce(0, +) == attempts + 1)
    }

    @Test func `a retry tries all of the zone, then other zones`() throws {
        let retries = Retries(attempts: 5, on: [.status(503)], budget: .init(percent: 100, minPerSecond: 1000))
        let simulation = try simulation(cluster(retries: retries))
        simulation.replies = { host, _, _ in .answers(host < "10.0.0.5" ? 503 : 200, after: 1_000_000) }
        for _ in 0..<10 {
            let before = simulation.arrivals.count
            simulation.get()
            simulation.run(for: 10 * .second)
            let tried = simulation.arrivals[before...].map(\.host)
            #expect(
                Set(tried.prefix(4)) == own && Set(tried).count == tried.count && tried.last == "10.0.0.5", "\(tried)")
        }
        #expect(simulation.statuses == Array(repeating: 200, count: 10))
    }

    @Test(arguments: [(nil, 50), ("c", 50), ("a", nil)] as [(String?, Int?)])
    func `without a zone, or a wish for it, all endpoints are alike`(zone: String?, percent: Int?) throws {
        let load = load(try simulation(cluster(minHealthyPercent: percent), zone: zone))
        #expect(load.count == 6 && load.values.allSatisfy { $0 == 100 })
    }

    @Test func `a change of zones holds from the next request on`() throws {
        let simulation = try simulation(cluster(check: check))
        simulation.probeReplies = { host, _ in host < "10.0.0.4" ? 500 : 200 }
        simulation.run(for: 40 * .second)
        #expect(Set(load(simulation).keys) == ["10.0.0.4", "10.0.0.5"])
        try simulation.change(set: [
            Sample.cluster(
                endpoints: (0..<6).map { ("10.0.0.\($0)", 80) }, zones: ["a", "b", "b", "b", "a", "b"],
                loadBalancing: LoadBalancing(algorithm: .roundRobin, localityAwareness: .init()), healthCheck: check)
        ])
        #expect(Set(load(simulation).keys) == ["10.0.0.4"])
    }
}
