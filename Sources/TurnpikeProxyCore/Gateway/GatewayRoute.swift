// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel
import TurnpikeSnapshot

/// A route with all that its requests are decided by, resolved when the configuration is made. Immutable, and a class so
/// that a request holds on to its route for the price of one reference.
public final class GatewayRoute: Sendable {
    struct Backend: Sendable {
        /// As it was when the route was made. Loops know what it is now: a service that changes leaves routes as they are.
        let cluster: GatewayCluster
        let weight: Int
    }

    /// What it refers to.
    struct Links: Sendable {
        var backends: [Backend]
        var mirrors: [GatewayMirror]
        /// Of the routes that are held to the same limits, the number in ``TenantLimits``.
        var group: Int
    }

    /// What it was made of: shared by all that are made of it, whatever they lead to.
    private final class Source: Sendable {
        let compiled: CompiledRoute
        let prepared: PreparedEntry

        init(_ compiled: CompiledRoute) {
            self.compiled = compiled
            prepared = PreparedEntry(
                RouteEntry(
                    index: 0, hosts: compiled.hosts, paths: compiled.paths.map(PathPattern.init),
                    methods: compiled.methods, priority: compiled.priority, conditions: compiled.conditions))
        }
    }

    public let tenant: String
    public let name: String
    public let id: ResourceID
    public let tenantID: ResourceID
    /// The path that it matches, as it is written there; nil where there are several.
    public let path: String?
    /// Whether paths may hold `%2F`.
    let takesEncodedSlashes: Bool
    /// That its requests take once it is found, beside those that they take for its limits.
    let phases: RequestPhases
    /// Bytes of content that a request may have. Nil: as many as the gateway takes.
    let maxContentBytes: UInt64?
    let backends: [Backend]
    /// By which its tenant has what its requests are held to, as long as it is among the tenant's routes.
    let group: Int
    /// In place of forwarding.
    let answer: GatewayAnswer?
    let rewrite: GatewayRewrite?
    let stickiness: GatewayStickiness?
    let mirrors: [GatewayMirror]
    let upgrades: GatewayUpgrades?
    let requestEdits: FieldEdits?
    let responseEdits: FieldEdits?
    private let source: Source

    var compiled: CompiledRoute { source.compiled }
    /// What it asks of requests. Its index says nothing.
    var entry: RouteEntry { source.prepared.entry }
    /// The same, as tables take it.
    var prepared: PreparedEntry { source.prepared }

    init(_ compiled: CompiledRoute, links: Links, answer: GatewayAnswer? = nil, rewrite: GatewayRewrite? = nil) {
        tenant = compiled.tenant
        name = compiled.name
        id = compiled.id
        tenantID = compiled.tenantID
        path = compiled.paths.count == 1 ? PathPattern(compiled.paths[0]).text : nil
        takesEncodedSlashes = compiled.encodedSlashes
        phases = RequestPhases(of: compiled)
        maxContentBytes = compiled.maxContentBytes.map { UInt64(max($0, 0)) }
        backends = links.backends
        group = links.group
        self.answer = answer
        self.rewrite = rewrite
        stickiness = compiled.stickiness.map { GatewayStickiness($0, weights: compiled.backends.map(\.weight)) }
        mirrors = links.mirrors
        upgrades = compiled.upgrades.map(GatewayUpgrades.init)
        requestEdits = FieldEdits(compiled.requestHeaders)
        responseEdits = FieldEdits(compiled.responseHeaders)
        source = Source(compiled)
    }

    /// The same route with other links.
    init(_ former: GatewayRoute, links: Links) {
        tenant = former.tenant
        name = former.name
        id = former.id
        tenantID = former.tenantID
        path = former.path
        takesEncodedSlashes = former.takesEncodedSlashes
        phases = former.phases
        maxContentBytes = former.maxContentBytes
        backends = links.backends
        group = links.group
        answer = former.answer
        rewrite = former.rewrite
        stickiness = former.stickiness
        mirrors = links.mirrors
        upgrades = former.upgrades
        requestEdits = former.requestEdits
        responseEdits = former.responseEdits
        source = former.source
    }

    /// Whether it matches the same as another that it takes the place of.
    func matches(as former: GatewayRoute) -> Bool {
        source === former.source || id == former.id && entry == former.entry
    }

    /// Whether any of these is a service of the route's.
    func refers(to clusters: Set<ResourceID>) -> Bool {
        guard !clusters.isEmpty else { return false }
        return backends.contains { clusters.contains($0.cluster.compiled.id) }
            || mirrors.contains { clusters.contains($0.cluster.compiled.id) }
    }
}

struct GatewayRateLimit: Sendable, Equatable {
    let id: ResourceID
    let name: String
    let per: RateLimit.Subject
    let rate: GCRA
    let limit: UInt64
    let windowSeconds: UInt64
}

struct GatewayQuota: Sendable, Equatable {
    let name: String
    let rule: QuotaRule
    let per: Quota.Subject
    let limit: UInt64
}
