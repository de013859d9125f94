// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

/// Endpoints with names, seen from resolver and upstreams.
@Suite struct NameTests {
    private func cluster(
        _ name: String = "orders", endpoints: [(String, Int)] = [("orders.test", 80)], weights: [Int] = [],
        rate: Duration? = nil, loadBalancing: LoadBalancing? = nil, check: HealthCheck? = nil
    ) -> CompiledResource {
        Sample.cluster(
            name, endpoints: endpoints, weights: weights, loadBalancing: loadBalancing, healthCheck: check,
            dnsRefreshRate: rate)
    }

    private func simulation(
        _ cluster: CompiledResource, seed: UInt64 = 1, _ addresses: [String] = ["10.0.0.1", "10.0.0.2"]
    ) throws -> UpstreamSimulation {
        let simulation = try UpstreamSimulation([Sample.route(), cluster], seed: seed)
        simulation.lookups = { _, _ in addresses }
        simulation.run(for: 5 * .millisecond)
        return simulation
    }

    private func load(_ simulation: UpstreamSimulation, _ count: Int = 100) -> [String: Int] {
        let before = simulation.arrivals.count
        for turn in 0..<count {
            simulation.get(fields: "X-User: \(turn)\r\n")
            simulation.run(for: 5 * .millisecond)
        }
        return simulation.arrivals[before...].reduce(into: [:]) { $0[$1.host, default: 0] += 1 }
    }

    @Test func `a name is looked up before any request, and requests go to all its addresses`() throws {
        let simulation = try simulation(
            cluster(endpoints: [("orders.test", 80), ("10.0.0.9", 80)], weights: [1, 2]))
        #expect(simulation.lookedUp.map(\.host) == ["orders.test"])
        #expect(load(simulation) == ["10.0.0.1": 25, "10.0.0.2": 25, "10.0.0.9": 50])
    }

    @Test func `names are looked up at the rate that the service sets, and by default every ten seconds`() throws {
        for (rate, bounds) in [(nil, 9...11), (.seconds(60), 54...66)] as [(Duration?, ClosedRange<UInt64>)] {
            let simulation = try simulation(cluster(rate: rate))
            simulation.run(for: 600 * .second)
            let times = simulation.lookedUp.map(\.time)
            let pauses = zip(times, times.dropFirst()).map { $1 - $0 }
            #expect(pauses.count > 5)
            let range = bounds.lowerBound * .second...bounds.upperBound * .second + 2 * .millisecond
            #expect(pauses.allSatisfy { range.contains($0) } && Set(pauses).count > 5)
        }
    }

    @Test func `a look-up that fails keeps what was known, and is soon made again`() throws {
        let simulation = try simulation(cluster(rate: .seconds(20)))
        _ = load(simulation)
        simulation.lookups = { _, _ in [] }
        simulation.run(for: 40 * .second)
        #expect(load(simulation).count == 2)
        let times = simulation.lookedUp.map(\.time)
        // After the first that failed: one second, two, four.
        for (pause, seconds) in zip(zip(times[1...], times[2...]).map({ $1 - $0 }), [1, 2, 4, 8] as [UInt64]) {
            #expect((seconds * .second * 9 / 10...seconds * .second * 11 / 10 + 2 * .millisecond).contains(pause))
        }
        #expect(simulation.observer.lookups.prefix(2) == [true, false])
    }

    @Test func `a change of addresses is followed, and idle connections to those that are gone are closed`() throws {
        let simulation = try simulation(cluster())
        #expect(load(simulation).count == 2 && simulation.closed.isEmpty)
        simulation.lookups = { _, _ in ["10.0.0.3", "10.0.0.2"] }
        simulation.run(for: 12 * .second)
        #expect(simulation.closed == ["10.0.0.1"])
        #expect(load(simulation) == ["10.0.0.2": 50, "10.0.0.3": 50])
        #expect(simulation.statuses.allSatisfy { $0 == 200 })
    }

    @Test func `a request under way ends where it began`() throws {
        let simulation = try simulation(cluster(rate: .seconds(1)), ["10.0.0.1"])
        simulation.replies = { _, _, _ in .answers(200, after: 4 * .second) }
        simulation.get()
        simulation.lookups = { _, _ in ["10.0.0.2"] }
        simulation.run(for: 3 * .second)
        #expect(simulation.closed.isEmpty && simulation.gateway.upstreams.openCount == 1)
        simulation.run(for: 2 * .second)
        // Its connection was not kept.
        #expect(simulation.arrivals.map(\.host) == ["10.0.0.1"] && simulation.statuses == [200])
        #expect(simulation.gateway.upstreams.openCount == 0)
    }

    @Test func `what keeps its address keeps what is known of its health`() throws {
        let simulation = try simulation(
            cluster(check: HealthCheck(.http(.init(path: "/")))), ["10.0.0.1", "10.0.0.2", "10.0.0.3"])
        simulation.probeReplies = { host, _ in host == "10.0.0.1" ? 500 : 200 }
        simulation.run(for: 40 * .second)
        #expect(load(simulation).keys.sorted() == ["10.0.0.2", "10.0.0.3"])
        simulation.probeReplies = { host, _ in host == "10.0.0.4" || host == "10.0.0.1" ? 0 : 200 }
        simulation.lookups = { _, _ in ["10.0.0.1", "10.0.0.2", "10.0.0.4"] }
        simulation.run(for: 12 * .second)
        // The new one has not answered yet.
        #expect(load(simulation).keys.sorted() == ["10.0.0.2"])
        #expect(simulation.probed.contains { $0.host == "10.0.0.4" && $0.request.contains("Host: orders.test\r\n") })
    }

    @Test func `before the first look-up has an answer, the transport finds the address itself`() throws {
        let simulation = try UpstreamSimulation([Sample.route(), cluster()], seed: 1)
        simulation.get()
        simulation.run(for: .second)
        #expect(simulation.statuses == [200] && simulation.arrivals.map(\.host) == ["orders.test"])
        simulation.lookups = { _, _ in ["10.0.0.1"] }
        simulation.run(for: 10 * .second)
        #expect(load(simulation) == ["10.0.0.1": 100] && simulation.closed == ["orders.test"])
    }

    @Test func `addresses of one family are used, each with one of the other for when it cannot be reached`() throws {
        let simulation = try simulation(cluster(), ["2001:db8::2", "10.0.0.1", "2001:db8::1"])
        #expect(load(simulation).keys.sorted() == ["2001:db8::1", "2001:db8::2"])
        let service = try #require(simulation.gateway.balancers.services.compactMap { $0 }.first)
        #expect(
            service.endpoints.map(\.address.numeric) == [["2001:db8::1", "10.0.0.1"], ["2001:db8::2", "10.0.0.1"]])
        let other = try self.simulation(cluster(), ["10.0.0.1", "2001:db8::2", "2001:db8::1"])
        #expect(load(other).keys.sorted() == ["10.0.0.1"])
    }

    @Test func `the order of addresses means nothing, so that gateways agree on where a user goes`() throws {
        let balancing = LoadBalancing(algorithm: .maglev, hashOn: .header("X-User"))
        var users: [[String: String]] = []
        for (seed, addresses) in [["10.0.0.1", "10.0.0.2", "10.0.0.3"], ["10.0.0.3", "10.0.0.1", "10.0.0.2"]]
            .enumerated()
        {
            let simulation = try simulation(cluster(loadBalancing: balancing), seed: UInt64(seed), addresses)
            #expect(load(simulation, 60).count == 3)
            users.append(
                simulation.arrivals.reduce(into: [:]) { users, arrival in
                    let line = arrival.request.split(separator: "\r\n").first { $0.lowercased().hasPrefix("x-user") }
                    users[line.map(String.init) ?? ""] = arrival.host
                })
        }
        #expect(users[0] == users[1] && users[0].count == 60)
    }

    @Test func `services that share a name share its look-ups, at the rate of the most impatient`() throws {
        let simulation = try UpstreamSimulation(
            [
                Sample.route(backends: [("a", 1), ("b", 1)]), cluster("a", rate: .seconds(60)),
                cluster("b", endpoints: [("orders.test", 81)], rate: .seconds(5)),
            ], seed: 1)
        simulation.lookups = { _, _ in ["10.0.0.1"] }
        simulation.run(for: 60 * .second)
        #expect((11...14).contains(simulation.lookedUp.count))
        try simulation.change(
            set: [Sample.route(backends: [("a", 1)])],
            removed: [CompiledName(.cluster, tenant: "acme", name: "b")])
        let before = simulation.lookedUp.count
        simulation.run(for: 180 * .second)
        #expect((2...4).contains(simulation.lookedUp.count - before))
        try simulation.change(set: [cluster("a", endpoints: [("10.0.0.1", 80)])])
        #expect(simulation.gateway.nextWatch == nil && simulation.gateway.balancers.names.count == 0)
    }

    @Test func `an address that two services use stays open while one does`() throws {
        let shared = [("10.0.0.1", 80)]
        let simulation = try UpstreamSimulation(
            [
                Sample.route(), Sample.cluster(endpoints: shared),
                Sample.route("more", id: 2, paths: [.prefix("/more")], backends: [("more", 1)]),
                Sample.cluster("more", endpoints: shared),
            ], seed: 1)
        simulation.get()
        simulation.run(for: 10 * .millisecond)
        simulation.get("/more")
        simulation.run(for: 10 * .millisecond)
        #expect(simulation.connects == ["10.0.0.1": 1])
        try simulation.change(set: [Sample.cluster(endpoints: [("10.0.0.2", 80)])])
        #expect(simulation.closed.isEmpty)
        try simulation.change(set: [Sample.cluster("more", endpoints: [("10.0.0.2", 80)])])
        #expect(simulation.closed == ["10.0.0.1"] && simulation.gateway.upstreams.openCount == 0)
    }

    @Test func `look-ups under way are bounded, and so are addresses`() throws {
        let names = (0..<40).map { ("n\($0).test", 80) }
        let simulation = try UpstreamSimulation([Sample.route(), cluster(endpoints: names)], seed: 1)
        simulation.lookups = { host, _ in (0..<100).map { "10.0.\(host.dropFirst().prefix { $0 != "." }).\($0)" } }
        try simulation.change()
        #expect(simulation.lookedUp.count == NameTable.mostQuestions)
        simulation.run(for: 100 * .millisecond)
        #expect(simulation.lookedUp.count == 40)
        let service = try #require(simulation.gateway.balancers.services.compactMap { $0 }.first)
        #expect(service.endpoints.count == ServiceMembers.most)
        #expect(service.endpoints.count { $0.address.host == "n0.test" } == NameTable.mostAddresses)
    }

    /// Whatever names lead to, and whatever is configured, connections that are idle belong to endpoints of now.
    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `no idle connection outlives its address, whatever changes`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        func endpoints() -> [(String, Int)] {
            (0..<Int.random(in: 1...3, using: &random)).map { _ in
                (["a.test", "b.test", "10.0.0.1", "10.0.0.2"].randomElement(using: &random) ?? "", 80)
            }
        }
        let simulation = try UpstreamSimulation(
            [Sample.route(), cluster(endpoints: endpoints(), rate: .seconds(1))], seed: seed)
        var lookups = SeededGenerator(seed: seed)
        simulation.lookups = { _, _ in (1...4).filter { _ in Bool.random(using: &lookups) }.map { "10.0.0.\($0)" } }
        for turn in 0..<200 {
            simulation.get()
            simulation.run(for: 200 * .millisecond)
            if turn % 10 == 9 { try simulation.change(set: [cluster(endpoints: endpoints(), rate: .seconds(1))]) }
            let gateway = simulation.gateway
            let used = Set(gateway.balancers.services.compactMap { $0 }.flatMap { $0.endpoints.map(\.number) })
            let idle = used.reduce(0) { $0 + gateway.upstreams.idleCount(of: $1) }
            #expect(gateway.upstreams.idleCount == idle, "seed \(seed), turn \(turn)")
        }
        #expect(simulation.statuses.count { $0 == 200 } == 200, "seed \(seed): \(simulation.statuses)")
        try simulation.change(removed: [cluster().name, Sample.route().name])
        #expect(simulation.gateway.upstreams.openCount == 0)
        _ = simulation.gateway.takeExpiredUpstreams()
        #expect(simulation.gateway.upstreams.endpointCount == 0)
    }

    @Test func `addresses that come and go take no memory, and no number that a request still knows`() throws {
        let simulation = try simulation(cluster(rate: .seconds(1)), ["10.0.0.1"])
        simulation.replies = { host, _, _ in .answers(200, after: host == "10.0.0.1" ? 4 * .second : 1) }
        var turn = 0
        simulation.lookups = { _, _ in
            turn += 1
            return ["10.1.\(turn / 200).\(turn % 200)"]
        }
        simulation.get()
        for _ in 0..<300 {
            simulation.run(for: .second)
            simulation.get()
            _ = simulation.gateway.takeExpiredUpstreams()
            #expect(simulation.gateway.upstreams.endpointCount <= 4)
        }
        simulation.run(for: .second)
        #expect(simulation.statuses.count == 301 && simulation.statuses.allSatisfy { $0 == 200 })
        #expect(Set(simulation.arrivals.map(\.host)).count > 250)
    }
}
