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
