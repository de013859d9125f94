// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

/// Changes of a tenant that has many routes.
@Suite struct GatewayStateOfManyRoutesTests {
    private static let count = 1_500

    /// Half of the routes lead to each of two services; one in three is held to a rate limit.
    private func route(_ number: Int, version: Int = 1) -> CompiledResource {
        Sample.route(
            "r\(number)", id: UInt64(number), paths: [.prefix("/v\(version)/r\(number)")],
            backends: [(number % 2 == 0 ? "even" : "odd", 1)], labels: number % 3 == 0 ? ["limited": "yes"] : [:])
    }

    private func limit(_ limit: Int64) -> CompiledResource {
        Sample.rateLimit(per: .key, limit: limit, selector: RouteSelector(labels: ["limited": "yes"]))
    }

    private func state() throws -> (GatewayState, TenantConfiguration) {
        var state = GatewayState(hashSeed: 7)
        let made = try state.apply(
            Delta(
                revision: 1, isSnapshot: true,
                set: (0..<Self.count).map { route($0) } + [
                    Sample.cluster("even"), Sample.cluster("odd"), limit(10),
                ], removed: []))
        return (state, try tenant(made))
    }

    private func tenant(_ configuration: GatewayConfiguration) throws -> TenantConfiguration {
        try #require(Array("api.acme.test".utf8).withUnsafeBytes { configuration.tenant(of: $0) })
    }

    /// Of the tables, and of the routes, how many are others.
    private func differences(
        _ former: TenantConfiguration, _ now: TenantConfiguration
    ) -> (tables: Int, routes: Set<String>) {
        (
            zip(former.directory.shards.values, now.directory.shards.values).count { $0.table !== $1.table },
            Set(now.routes.values.filter { former.routes[$0.name] !== $0 }.map(\.name))
        )
    }

    private func delta(set: [CompiledResource] = [], removed: [CompiledName] = []) -> Delta {
        Delta(revision: 2, isSnapshot: false, set: set, removed: removed)
    }

    @Test func `a change of one route leaves the others and their tables as they are`() throws {
        var (state, former) = try state()
        let now = try tenant(state.apply(delta(set: [route(7, version: 2)])))
        let differences = differences(former, now)
        #expect(former.directory.shards.count > 4)
        #expect(differences.routes == ["r7"] && differences.tables <= 2)
    }

    @Test func `a service that changes leaves all routes as they are, and their requests reach it as it is now`() throws
    {
        var (state, former) = try state()
        let changed = try state.apply(delta(set: [Sample.cluster("even", endpoints: [("10.9.9.9", 1)])]))
        let now = try tenant(changed)
        let differences = differences(former, now)
        #expect(differences.tables == 0 && differences.routes.isEmpty)
        #expect(now.clusters["even"] !== former.clusters["even"])
        #expect(now.clusters["even"]?.slot == former.clusters["even"]?.slot)
    }

    @Test func `a service that is another of the same name takes its routes along, and no table is made anew`() throws {
        var (state, former) = try state()
        guard case .cluster(var compiled) = Sample.cluster("even") else { return }
        compiled.id = ResourceID(high: 99, low: 99)
        let now = try tenant(state.apply(delta(set: [.cluster(compiled)])))
        let differences = differences(former, now)
        #expect(differences.tables == 0)
        #expect(differences.routes == Set((0..<Self.count).filter { $0 % 2 == 0 }.map { "r\($0)" }))
        #expect(
            now.routes.values.allSatisfy { $0.backends[0].cluster === now.clusters[$0.compiled.backends[0].cluster] })
        #expect(now.directory.shards.values.flatMap(\.routes).allSatisfy { now.routes[$0.name] === $0 })
    }

    @Test func `a rate limit that changes holds its routes, and no route is made anew`() throws {
        var (state, former) = try state()
        let now = try tenant(state.apply(delta(set: [limit(99)])))
        let differences = differences(former, now)
        #expect(differences.tables == 0 && differences.routes.isEmpty)
        #expect(now.limits("r3")?.rateLimits.map(\.limit) == [99])
        #expect(former.limits("r3")?.rateLimits.map(\.limit) == [10])
        #expect(now.limits.rates.values.map(\.self) == now.limits("r3")?.rateLimits.map(\.rate))
    }

    @Test func `a rate limit for all routes comes and goes, and no route is made anew`() throws {
        var (state, former) = try state()
        let limit = Sample.rateLimit("all", id: 2, per: .key, limit: 5)
        let with = try tenant(state.apply(delta(set: [limit])))
        #expect(differences(former, with) == (0, []))
        #expect(with.limits("r3")?.rateLimits.map(\.name) == ["all", "burst"])
        #expect(with.limits("r4")?.rateLimits.map(\.name) == ["all"])
        let without = try tenant(state.apply(delta(removed: [limit.name])))
        #expect(differences(with, without) == (0, []))
        #expect(without.limits("r4") == nil && former.limits("r4") == nil)
    }

    @Test func `a limit that names routes makes these anew, and no other`() throws {
        var (state, former) = try state()
        func named(_ routes: [String]) -> CompiledResource {
            Sample.rateLimit("named", id: 3, per: .key, limit: 7, selector: RouteSelector(routes: routes))
        }
        let with = try tenant(state.apply(delta(set: [named(["r3", "r4", "nowhere"])])))
        #expect(differences(former, with) == (0, ["r3", "r4"]))
        #expect(with.limits("r3")?.rateLimits.map(\.name) == ["burst", "named"])
        #expect(with.limits("r4")?.rateLimits.map(\.name) == ["named"])
        #expect(with.limits("r6")?.rateLimits.map(\.name) == ["burst"])
        let other = try tenant(state.apply(delta(set: [named(["r4", "r6"])])))
        #expect(differences(with, other) == (0, ["r3", "r6"]))
        #expect(other.limits("r3")?.rateLimits.map(\.name) == ["burst"])
        let without = try tenant(state.apply(delta(removed: [named([]).name])))
        #expect(differences(other, without) == (0, ["r4", "r6"]))
        // Those of the same labels are of one group again.
        #expect(without.routes["r6"]?.group == without.routes["r3"]?.group)
        #expect(without.routes["r4"]?.group == without.routes["r5"]?.group)
    }

    @Test func `what routes refer to cannot go, and nothing of such a change stays`() throws {
        var (state, former) = try state()
        let name = CompiledName(.cluster, tenant: "acme", name: "even")
        let rejection = try #require(throws: GatewayConfiguration.Rejection.self) {
            try state.apply(delta(set: [route(8, version: 2)], removed: [name]))
        }
        #expect(rejection.reasons.count == GatewayConfiguration.mostReasons)
        #expect(rejection.reasons.allSatisfy { $0.detail == "There is no \(name)." })
        let after = try tenant(state.apply(delta()))
        #expect(after === former)
    }

    @Test func `numbers of groups that are gone are used again`() throws {
        var (state, _) = try state()
        var groups: Set<Int> = []
        for number in 0..<200 {
            let labels = ["limited": "yes", "number": "\(number)"]
            let own = Sample.route("own", id: 5_000, paths: [.exact("/own")], backends: [("odd", 1)], labels: labels)
            let with = try tenant(state.apply(delta(set: [own])))
            groups.insert(try #require(with.routes["own"]).group)
            #expect(with.limits("own")?.rateLimits.map(\.name) == ["burst"])
        }
        #expect(groups.count == 2)
    }

    @Test func `routes that go take their hosts along`() throws {
        var (state, _) = try state()
        let own = Sample.route("own", id: 5_000, hosts: ["own.acme.test", "*.own.acme.test"], backends: [("odd", 1)])
        func owner(_ host: String, _ configuration: GatewayConfiguration) -> Bool {
            Array(host.utf8).withUnsafeBytes { configuration.tenant(of: $0) } != nil
        }
        let with = try state.apply(delta(set: [own]))
        #expect(owner("own.acme.test", with) && owner("x.own.acme.test", with) && owner("api.acme.test", with))
        let without = try state.apply(delta(removed: [own.name]))
        #expect(!owner("own.acme.test", without) && !owner("x.own.acme.test", without))
        #expect(owner("api.acme.test", without))
        let empty = try state.apply(delta(removed: (0..<Self.count).map { route($0).name }))
        #expect(!owner("api.acme.test", empty))
    }
}

extension TenantConfiguration {
    /// Of a route.
    func limits(_ name: String) -> RouteLimits? { routes[name].flatMap(limits) }
}

extension GatewayConfiguration {
    /// Of a route of acme's.
    func limits(_ name: String) -> RouteLimits? {
        Array("api.acme.test".utf8).withUnsafeBytes { tenant(of: $0) }?.limits(name)
    }
}
