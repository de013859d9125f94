// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

/// How requests are spread over endpoints, seen from the upstreams.
@Suite struct BalancingTests {
    private func hosts(_ count: Int) -> [(String, Int)] { (0..<count).map { ("10.0.0.\($0)", 80) } }

    private func simulation(
        _ count: Int, weights: [Int] = [], _ loadBalancing: LoadBalancing?, seed: UInt64
    ) throws -> UpstreamSimulation {
        try UpstreamSimulation(
            [Sample.route(), Sample.cluster(endpoints: hosts(count), weights: weights, loadBalancing: loadBalancing)],
            seed: seed)
    }

    @Test func `without a word about it requests go in turns, by weight`() throws {
        let simulation = try simulation(3, weights: [1, 2, 0], nil, seed: 1)
        for _ in 0..<300 {
            simulation.get()
            simulation.run(for: 5 * .millisecond)
        }
        #expect((0..<3).map { simulation.arrivals(at: "10.0.0.\($0)") } == [100, 200, 0])
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `of two endpoints of which one is slow, the other gets most by least request`(seed: UInt64) throws {
        let simulation = try simulation(2, LoadBalancing(algorithm: .leastRequest), seed: seed)
        simulation.replies = { host, _, _ in
            .answers(200, after: host == "10.0.0.0" ? 100 * .millisecond : .millisecond)
        }
        for _ in 0..<1000 {
            simulation.get()
            simulation.run(for: .millisecond)
        }
        simulation.run(for: .second)
        #expect(simulation.statuses.count == 1000)
        #expect(simulation.arrivals(at: "10.0.0.0") < 60, "seed \(seed): \(simulation.arrivals(at: "10.0.0.0"))")
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `by header each user keeps an endpoint, and users are spread`(seed: UInt64) throws {
        let simulation = try simulation(5, LoadBalancing(algorithm: .maglev, hashOn: .header("X-User")), seed: seed)
        for round in 0..<4 {
            for user in 0..<200 {
                simulation.get("/v1/orders/\(round)", fields: "x-user: user-\(user)\r\n")
                simulation.run(for: 2 * .millisecond)
            }
        }
        #expect(users(simulation).values.allSatisfy { $0.count == 1 })
        for place in 0..<5 {
            #expect((80...240).contains(simulation.arrivals(at: "10.0.0.\(place)")), "seed \(seed)")
        }
    }

    /// Which endpoints each user has been at.
    private func users(_ simulation: UpstreamSimulation) -> [Substring: Set<String>] {
        simulation.arrivals.reduce(into: [:]) { users, arrival in
            let line = arrival.request.split(separator: "\r\n").first { $0.hasPrefix("x-user") }
            users[line ?? "", default: []].insert(arrival.host)
        }
    }

    @Test func `when an endpoint cannot be reached only its users go elsewhere, and they come back`() throws {
        let simulation = try simulation(5, LoadBalancing(algorithm: .maglev, hashOn: .header("X-User")), seed: 1)
        func round() {
            for user in 0..<100 {
                simulation.get(fields: "x-user: \(user)\r\n")
                simulation.run(for: 2 * .millisecond)
            }
        }
        round()
        let before = users(simulation)
        simulation.receives = { host, _ in host == "10.0.0.3" ? .refuses : .accepts }
        simulation.replies = { host, _, _ in host == "10.0.0.3" ? .resets(after: 1) : .answers(200, after: 1) }
        round()
        let during = users(simulation)
        for (user, hosts) in before { #expect(during[user]?.count == (hosts == ["10.0.0.3"] ? 2 : 1)) }
        #expect(simulation.statuses.count { $0 != 200 } == 0)
        simulation.receives = { _, _ in .accepts }
        simulation.replies = { _, _, _ in .answers(200, after: 1) }
        simulation.run(for: 60 * .second)
        let seen = simulation.arrivals.count
        round()
        #expect(Set(simulation.arrivals[seen...].map(\.host)).contains("10.0.0.3"))
    }

    @Test(
        arguments: [
            (LoadBalancing.HashInput.cookie("session"), "Cookie: a=b; session=s\r\n"),
            (.header("Session"), "session: s\r\n"), (.address, ""),
        ])
    func `requests that are the same in what counts go to one endpoint, others by turns`(
        input: LoadBalancing.HashInput, fields: String
    ) throws {
        let simulation = try simulation(4, LoadBalancing(algorithm: .maglev, hashOn: input), seed: 1)
        for _ in 0..<8 {
            simulation.get(fields: fields)
            simulation.run(for: 5 * .millisecond)
        }
        #expect(Set(simulation.arrivals.map(\.host)).count == 1)
        guard input != .address else { return }
        for _ in 0..<8 {
            simulation.get(fields: "Cookie: b=c\r\n")
            simulation.run(for: 5 * .millisecond)
        }
        let others = simulation.arrivals[8...].map(\.host)
        #expect(Set(others).count == 4 && others.prefix(4).sorted() == others.suffix(4).sorted())
    }

    @Test func `by address many clients are spread`() throws {
        let simulation = try simulation(4, LoadBalancing(algorithm: .maglev, hashOn: .address), seed: 1)
        for client in 0..<400 as Range<UInt32> {
            simulation.get(address: 0x0A00_0000 + client)
            simulation.run(for: 2 * .millisecond)
        }
        for place in 0..<4 { #expect((60...140).contains(simulation.arrivals(at: "10.0.0.\(place)"))) }
    }

    @Test func `two gateways send the same user to the same endpoint`() throws {
        let balancing = LoadBalancing(algorithm: .maglev, hashOn: .header("X-User"))
        let gateways = [try simulation(7, balancing, seed: 1), try simulation(7, balancing, seed: 2)]
        for simulation in gateways {
            for user in 0..<50 {
                simulation.get(fields: "x-user: \(user)\r\n")
                simulation.run(for: 2 * .millisecond)
            }
        }
        #expect(users(gateways[0]) == users(gateways[1]))
    }

    @Test(arguments: [nil, .init(algorithm: .leastRequest)] as [LoadBalancing?])
    func `requests in flight are counted off, whatever becomes of them and of the configuration`(
        loadBalancing: LoadBalancing?
    ) throws {
        let simulation = try simulation(3, loadBalancing, seed: 1)
        let seed: UInt64 = 4
        var random = SeededGenerator(seed: seed)
        simulation.receives = { _, _ in Int.random(in: 0..<4, using: &random) == 0 ? .refuses : .accepts }
        simulation.replies = { _, _, _ in
            switch Int.random(in: 0..<4, using: &random) {
            case 0: .resets(after: 20 * .millisecond)
            case 1: .hangs
            case 2: .says("nonsense\r\n\r\n", after: 10 * .millisecond)
            default: .answers(200, after: 30 * .millisecond)
            }
        }
        for turn in 0..<300 {
            simulation.get()
            simulation.run(for: 5 * .millisecond)
            if turn % 100 == 50 { simulation.abandonAll() }
            guard turn % 60 == 30 else { continue }
            try simulation.apply([
                Sample.route(),
                Sample.cluster(endpoints: hosts(3), weights: [turn, 1, 1], loadBalancing: loadBalancing),
            ])
        }
        simulation.run(for: 60 * .second)
        let route = try #require(simulation.gateway.current?.tenants[0]?.routes.values.first)
        let service = try #require(
            simulation.gateway.balancers.service(for: route, in: &simulation.gateway.upstreams, now: simulation.now))
        #expect(service.endpoints.map(\.activeRequests) == [0, 0, 0], "seed \(seed)")
    }

    @Test(arguments: [false, true])
    func `a service that changes is reached as it is now, whether it was asked for before or not`(before: Bool) throws {
        let simulation = try UpstreamSimulation(
            [Sample.route(), Sample.cluster(endpoints: [("10.0.0.1", 80)])], seed: 1)
        let route = try #require(simulation.gateway.current?.tenants[0]?.routes.values.first)
        func get() {
            simulation.get()
            simulation.run(for: 1 * .second)
        }
        if before { get() }
        try simulation.change(set: [Sample.cluster(endpoints: [("10.0.0.2", 80)])])
        get()
        try simulation.change(set: [Sample.cluster(endpoints: [("10.0.0.3", 80)])])
        get()
        #expect(simulation.arrivals.map(\.host) == (before ? ["10.0.0.1"] : []) + ["10.0.0.2", "10.0.0.3"])
        // By the very route that there was in the beginning.
        #expect(simulation.gateway.current?.tenants[0]?.routes.values.first === route)
    }

    @Test func `weights of a route are kept to though a configuration comes with each request`() throws {
        func service(_ name: String, _ host: String, weight: Int = 1) -> CompiledResource {
            Sample.cluster(name, endpoints: [(host, 80), ("\(host)9", 80)], weights: [1, weight])
        }
        func route(
            _ name: String = "orders", id: UInt64 = 1, labels: Labels = [:], canary: Int = 10
        ) -> CompiledResource {
            Sample.route(
                name, id: id, paths: [.prefix("/v1/\(name)")],
                backends: [("stable", 100 - canary), ("canary", canary)],
                labels: labels)
        }
        let simulation = try UpstreamSimulation(
            [route(), service("stable", "10.0.0.1"), service("canary", "10.0.0.2")], seed: 1)
        for turn in 0..<100 {
            simulation.get()
            simulation.run(for: 5 * .millisecond)
            try simulation.change(set: [
                // Another route, the route itself, and one of its services.
                route("other", id: 2), route(labels: ["turn": "\(turn)"]),
                service("stable", "10.0.0.1", weight: turn % 3),
            ])
        }
        #expect(simulation.arrivals.count { $0.host.hasPrefix("10.0.0.2") } == 10)
        // Other weights begin anew.
        try simulation.change(set: [route(canary: 50)])
        for _ in 0..<100 {
            simulation.get()
            simulation.run(for: 5 * .millisecond)
        }
        #expect(simulation.arrivals.count { $0.host.hasPrefix("10.0.0.2") } == 60)
    }

    @Test func `whose turn it is among the services of routes that are gone is forgotten`() throws {
        func route(_ number: Int) -> CompiledResource {
            Sample.route(
                "r\(number)", id: UInt64(number), paths: [.prefix("/r\(number)")],
                backends: [("orders", 1), ("more", 1)])
        }
        let simulation = try UpstreamSimulation([Sample.cluster(), Sample.cluster("more")], seed: 1)
        for number in 0..<1000 {
            try simulation.change(set: [route(number)], removed: number > 5 ? [route(number - 5).name] : [])
            simulation.get("/r\(number)/1")
            simulation.run(for: 5 * .millisecond)
        }
        #expect(simulation.statuses.allSatisfy { $0 == 200 })
        #expect(simulation.gateway.balancers.routeTurns.count < 100)
    }
}
