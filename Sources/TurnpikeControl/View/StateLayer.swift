// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// A state that writes are checked against: the view, or a draft of changes over another state.
protocol StateLayer {
    func resource(_ key: ResourceKey) -> Resource?
    /// A collection's resources, in no order.
    func resources(in collection: CollectionKey) -> [Resource]
    func count(of collection: CollectionKey) -> Int
    /// Some of a collection's keys, in no order, at most `limit`.
    func keys(in collection: CollectionKey, limit: Int) -> [ResourceKey]
    /// How many resources refer to this one.
    func referrerCount(of key: ResourceKey) -> Int
    /// Some of those, in no order, at most `limit`.
    func referrers(of key: ResourceKey, limit: Int) -> [ResourceKey]
    /// What may differ from what a walk has seen.
    func keysChanged(since walk: Walk) -> Set<ResourceKey>
    /// How many routes and certificates of which tenants are for this very host.
    func claims(on host: String) -> [String: Int]
    /// How many are for hosts one label below, wildcards left out.
    func claims(below parent: String) -> [String: Int]
}

/// The resources of one kind and, for kinds that have one, one tenant. Of kinds without, those whose home a tenant is: the tenant
/// itself, and the operators bound to it.
struct CollectionKey: Sendable, Hashable {
    var kind: Kind
    var tenant: String?

    init(_ kind: Kind, tenant: String? = nil) {
        self.kind = kind
        self.tenant = tenant
    }

    init(of key: ResourceKey) { self.init(key.kind, tenant: key.tenant) }

    /// All that a tenant has.
    static func children(of tenant: String) -> [CollectionKey] {
        Kind.allCases.filter { $0.scope == .tenant }.map { CollectionKey($0, tenant: tenant) }
    }
}

extension Resource {
    /// The tenant that it belongs to, by its key or otherwise, and whose bound tokens see it; `nil`: it is the platform's alone.
    var homeTenant: String? {
        switch key.kind {
        case .tenant: key.name
        case .operator: (spec as? Operator)?.tenant
        case .service, .route, .apiKey, .quota, .policy, .certificate, .worker, .joinToken: key.tenant
        }
    }

    /// All that it is found in.
    var collections: [CollectionKey] {
        let own = CollectionKey(of: key)
        guard own.tenant == nil, let homeTenant else { return [own] }
        return [own, CollectionKey(own.kind, tenant: homeTenant)]
    }

    /// The keys of the resources that must exist for this one to make sense.
    var referenceTargets: Set<ResourceKey> {
        Set(spec.references.map { ResourceKey($0.kind, tenant: key.tenant, name: $0.name) })
    }

    /// The hosts that a route or a certificate claims for its tenant.
    var hosts: [String] {
        switch key.kind {
        case .route: (spec as? Route)?.match.hosts ?? []
        case .certificate: (spec as? Certificate)?.facts.names ?? []
        default: []
        }
    }
}
