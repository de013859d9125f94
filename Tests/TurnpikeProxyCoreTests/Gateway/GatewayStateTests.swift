// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

/// Configurations made change by change.
@Suite struct GatewayStateTests {
    private func delta(
        _ revision: Revision, isSnapshot: Bool = false, set: [CompiledResource] = [], removed: [CompiledName] = []
    ) -> Delta {
        Delta(revision: revision, isSnapshot: isSnapshot, set: set, removed: removed)
    }

    /// Where a request goes: `tenant/route`, or nothing.
    private func target(_ configuration: GatewayConfiguration, _ host: String, _ path: String) throws -> String? {
        let explanation = try configuration.explain(.init(method: "GET", host: host, target: path))
        guard let best = explanation.candidates.first, best.verdict == .selected else { return nil }
        return "\(best.route.tenant)/\(best.route.name)"
    }

    @Test func `a change is served, and what it leaves alone is the same as before`() throws {
        var state = GatewayState()
        let first = try state.apply(
            delta(
                1, isSnapshot: true,
                set: [
                    Sample.route(), Sample.cluster(), Sample.key("secret", id: 1),
                    Sample.route(tenant: "other", hosts: ["api.other.test"]), Sample.cluster(tenant: "other"),
                ]))
        let second = try state.apply(delta(2, set: [Sample.route("more", id: 2, paths: [.prefix("/v2")])]))
        #expect(try target(first, "api.acme.test", "/v2") == nil)
        #expect(try target(second, "api.acme.test", "/v2") == "acme/more")
        #expect(try target(second, "api.other.test", "/v1/orders") == "other/orders")
        #expect(second.revision == 2 && second.keys.find(Sample.digest("secret")) != nil)
        // The other tenant's part is the very same, and so is the cluster, with what loops know of it.
        func part(_ configuration: GatewayConfiguration, _ host: String) -> TenantConfiguration? {
            Array(host.utf8).withUnsafeBytes { configuration.tenant(of: $0) }
        }
        #expect(part(first, "api.other.test") === part(second, "api.other.test"))
        #expect(part(first, "api.acme.test")?.clusters["orders"] === part(second, "api.acme.test")?.clusters["orders"])
    }

    @Test func `a change that cannot be served leaves no trace`() throws {
        var state = GatewayState()
        _ = try state.apply(
            delta(1, isSnapshot: true, set: [Sample.route(), Sample.cluster(), Sample.key("old", id: 1)]))
        let bad = [Sample.key("new", id: 2), Sample.route("bad", id: 3, backends: [("nowhere", 1)])]
        #expect(throws: GatewayConfiguration.Rejection.self) { try state.apply(delta(2, set: bad)) }
        #expect(throws: GatewayConfiguration.Rejection.self) { try state.apply(delta(2, isSnapshot: true, set: bad)) }
        let after = try state.apply(delta(3))
        #expect(try target(after, "api.acme.test", "/v1/orders") == "acme/orders")
        #expect(after.keys.find(Sample.digest("new")) == nil && after.keyCount == 1)
    }

    @Test func `a key that changes is found by its new digest only, one that goes by none`() throws {
        var state = GatewayState()
        _ = try state.apply(delta(1, isSnapshot: true, set: [Sample.key("a", id: 1), Sample.key("b", id: 2)]))
        // The two swap their digests.
        func renamed(_ secret: String, _ id: UInt64) -> CompiledResource { Sample.key(secret, id: id) }
        let swapped = try state.apply(delta(2, set: [renamed("b", 1), renamed("a", 2)]))
        #expect(swapped.keys.find(Sample.digest("a"))?.id.low == 2)
        #expect(swapped.keys.find(Sample.digest("b"))?.id.low == 1)
        let gone = try state.apply(delta(3, removed: [renamed("b", 1).name]))
        #expect(gone.keys.find(Sample.digest("b")) == nil && gone.keyCount == 1)
        #expect(swapped.keys.find(Sample.digest("b")) != nil)
    }

    @Test func `a host belongs to one tenant, and what that tenant does not match reaches nobody else`() throws {
        var state = GatewayState()
        let made = try state.apply(
            delta(
                1, isSnapshot: true,
                set: [
                    Sample.route("wild", hosts: ["*.acme.test"], paths: [.prefix("/")]), Sample.cluster(),
                    Sample.route("own", tenant: "other", hosts: ["api.acme.test"], paths: [.exact("/own")]),
                    Sample.cluster(tenant: "other"),
                ]))
        #expect(try target(made, "api.acme.test", "/own") == "other/own")
        #expect(try target(made, "api.acme.test", "/anything") == nil)
        #expect(try target(made, "www.acme.test", "/anything") == "acme/wild")
        #expect(try target(made, "acme.test", "/anything") == nil)
        // The host passes on.
        let passed = try state.apply(
            delta(
                2, set: [Sample.route("wild", hosts: ["*.acme.test", "api.acme.test"], paths: [.prefix("/")])],
                removed: [CompiledName(.route, tenant: "other", name: "own")]))
        #expect(try target(passed, "api.acme.test", "/own") == "acme/wild")
    }

    @Test func `a version tells which services it has others of than the one before`() throws {
        var state = GatewayState()
        func names(_ clusters: [GatewayCluster]) -> [String] { clusters.map(\.name).sorted() }
        let whole = try state.apply(delta(1, isSnapshot: true, set: [Sample.cluster("a"), Sample.cluster("b")]))
        #expect(whole.changes.replacesAll && names(whole.changes.added) == ["a", "b"])
        let changed = try state.apply(
            delta(2, set: [Sample.cluster("a", endpoints: [("z", 3)]), Sample.cluster("b"), Sample.cluster("c")]))
        #expect(!changed.changes.replacesAll)
        #expect(names(changed.changes.removed) == ["a"] && names(changed.changes.added) == ["a", "c"])
        let less = try state.apply(delta(3, removed: [CompiledName(.cluster, tenant: "acme", name: "b")]))
        #expect(names(less.changes.removed) == ["b"] && less.changes.added.isEmpty)
        let other = try state.apply(delta(4, isSnapshot: true, set: [Sample.cluster("a")]))
        #expect(other.changes.replacesAll && names(other.changes.added) == ["a"])
    }

    private static func randomSelector(_ random: inout SeededGenerator) -> RouteSelector {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: RouteSelector()
        case 1: RouteSelector(routes: (0..<6).filter { _ in Bool.random(using: &random) }.map { "n\($0)" })
        case 2: RouteSelector(routes: ["n1"], labels: ["a": "1"])
        default: RouteSelector(labels: [["a", "b"].randomElement(using: &random) ?? "a": "1"])
        }
    }

    private static func randomLabels(_ random: inout SeededGenerator) -> Labels {
        var labels: Labels = [:]
        for name in ["a", "b"] where Bool.random(using: &random) {
            labels[name] = "\(Int.random(in: 1...2, using: &random))"
        }
        return labels
    }

    /// Limits come, change and go with the routes that they select, in whatever order.
    @Test(arguments: 0..<40 as Range<UInt64>)
    func `routes are held to what they would be if all came at once`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var state = GatewayState()
        var snapshot = Snapshot()
        for revision in 1...60 as ClosedRange<Revision> {
            var change = delta(revision, isSnapshot: revision == 1)
            if revision == 1 { change.set = [Sample.cluster()] }
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let number = UInt64.random(in: 0..<6, using: &random)
                let resource: CompiledResource
                switch Int.random(in: 0..<4, using: &random) {
                case 0, 1:
                    resource = Sample.route(
                        "n\(number)", id: number, paths: [.prefix("/\(number)")], labels: Self.randomLabels(&random))
                case 2:
                    resource = Sample.rateLimit(
                        "l\(number)", id: number, per: .key, limit: .random(in: 1...3, using: &random),
                        selector: Self.randomSelector(&random))
                default:
                    resource = Sample.quota(
                        "q\(number)", id: number, limit: .random(in: 1...3, using: &random),
                        selector: Self.randomSelector(&random))
                }
                guard !change.set.contains(where: { $0.name == resource.name }),
                    !change.removed.contains(resource.name)
                else { continue }
                if Bool.random(using: &random), snapshot.resources[resource.name] != nil {
                    change.removed.append(resource.name)
                } else {
                    change.set.append(resource)
                }
            }
            snapshot.apply(change)
            let whole = try GatewayConfiguration(snapshot)
            let made = try state.apply(change)
            for number in 0..<6 {
                let name = "n\(number)"
                #expect(made.limits(name) == whole.limits(name), "seed \(seed), revision \(revision), \(name)")
                guard case .route(let route)? = snapshot.resources[CompiledName(.route, tenant: "acme", name: name)]
                else { continue }
                // And to those that the snapshot itself says.
                let expected = snapshot.rateLimits(of: route).map(\.name) + snapshot.quotas(of: route).map(\.name)
                let limits = made.limits(name)
                #expect(
                    (limits?.rateLimits.map(\.name) ?? []) + (limits?.quotas.map(\.name) ?? []) == expected,
                    "seed \(seed), revision \(revision), \(name)")
            }
        }
    }

    /// Whatever is changed in whatever order, the outcome is that of the whole taken at once.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func `changes one by one lead where the whole does`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var state = GatewayState()
        var snapshot = Snapshot()
        var secrets: Set<String> = []
        for revision in 1...60 as ClosedRange<Revision> {
            var change = delta(revision, isSnapshot: revision == 1)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let tenant = ["acme", "other"].randomElement(using: &random) ?? "acme"
                let number = UInt64.random(in: 0..<6, using: &random)
                let name = "n\(number)"
                let resource: CompiledResource
                switch Int.random(in: 0..<3, using: &random) {
                case 0:
                    let host = tenant == "acme" ? ["a\(number).test", "*.wild.test"] : ["o\(number).test"]
                    resource = Sample.route(
                        name, id: number, tenant: tenant, hosts: host,
                        paths: [.prefix("/\(Int.random(in: 0..<3, using: &random))")],
                        backends: [("orders", 1)])
                case 1:
                    resource = Sample.cluster(
                        "orders", tenant: tenant, endpoints: [("h", Int.random(in: 1..<4, using: &random))])
                default:
                    let secret = "\(tenant)-\(number)-\(Int.random(in: 0..<2, using: &random))"
                    secrets.insert(secret)
                    resource = Sample.key(secret, id: number, tenant: tenant)
                }
                guard !change.set.contains(where: { $0.name == resource.name }) else { continue }
                if Int.random(in: 0..<4, using: &random) == 0, snapshot.resources[resource.name] != nil,
                    resource.name.type != .cluster, !change.removed.contains(resource.name)
                {
                    change.removed.append(resource.name)
                } else if !change.removed.contains(resource.name) {
                    change.set.append(resource)
                }
            }
            var next = snapshot
            next.apply(change)
            guard let whole = try? GatewayConfiguration(next) else {
                #expect(throws: GatewayConfiguration.Rejection.self) { try state.apply(change) }
                continue
            }
            snapshot = next
            let made = try state.apply(change)
            #expect(made.keyCount == whole.keyCount)
            for secret in secrets {
                #expect(made.keys.find(Sample.digest(secret))?.id == whole.keys.find(Sample.digest(secret))?.id)
            }
            for host in (0..<6).flatMap({ ["a\($0).test", "o\($0).test"] }) + ["x.wild.test"] {
                for path in ["/0", "/1", "/2"] {
                    #expect(
                        try target(made, host, path) == target(whole, host, path), "seed \(seed), revision \(revision)")
                }
            }
        }
    }
}

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
            zip(former.directory.shards, now.directory.shards).count { $0.table !== $1.table },
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
        #expect(now.directory.shards.flatMap(\.routes).allSatisfy { now.routes[$0.name] === $0 })
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
    fileprivate func limits(_ name: String) -> RouteLimits? { routes[name].flatMap(limits) }
}

extension GatewayConfiguration {
    /// Of a route of acme's.
    fileprivate func limits(_ name: String) -> RouteLimits? {
        Array("api.acme.test".utf8).withUnsafeBytes { tenant(of: $0) }?.limits(name)
    }
}
