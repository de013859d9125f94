// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
public import TurnpikeSnapshot

/// Compiles resources as they stand in one state into what data planes serve by.
///
/// Compiling is a pure function of the view: each compiled resource has one source, and what else it takes from the
/// state is what `affected(from:to:)` follows backwards. A compilation remembers each tenant's policies and quotas, so
/// that compiling many routes of a tenant reads them once; it is good for as long as the view does not change.
public struct Compilation<View: ResourceView> {
    let view: View
    private var tenants: [String: TenantContext?] = [:]

    public init(of view: View) { self.view = view }

    /// The compiled resource of that name; `nil` where the state has nothing to serve under it.
    public mutating func compile(_ name: CompiledName) -> CompiledResource? {
        guard let resource = view.resource(name.source), let tenant = context(of: name.tenant) else { return nil }
        return compile(resource, in: tenant)
    }

    /// Everything of some types, from scratch.
    public mutating func compileAll(
        of types: some Collection<CompiledResource.ResourceType> = CompiledResource.ResourceType.allCases,
        _ each: (CompiledResource) -> Void
    ) {
        for name in view.tenants() {
            guard let tenant = context(of: name) else { continue }
            for kind in Kind.allCases {
                guard let type = CompiledResource.ResourceType(compiledFrom: kind), types.contains(type) else {
                    continue
                }
                for resource in view.resources(of: kind, tenant: name) {
                    if let compiled = compile(resource, in: tenant) { each(compiled) }
                }
            }
        }
    }

    private func compile(_ resource: Resource, in tenant: TenantContext) -> CompiledResource? {
        switch resource.spec {
        case let route as Route: .route(CompiledRoute(resource, route, in: tenant))
        case let service as Service: .cluster(CompiledCluster(resource, service))
        case let key as APIKey: CompiledKey(resource, key, in: tenant).map { .key($0) }
        case let policy as Policy: .rateLimit(CompiledRateLimit(resource, policy))
        case let quota as Quota: .quota(CompiledQuota(resource, quota, in: tenant))
        case let certificate as Certificate: CompiledCertificate(resource, certificate).map { .certificate($0) }
        default: nil
        }
    }

    private mutating func context(of tenant: String) -> TenantContext? {
        if let known = tenants[tenant] { return known }
        let context = TenantContext(of: tenant, in: view)
        tenants[tenant] = .some(context)
        return context
    }
}

/// What a tenant's compiled resources take from beside their source.
struct TenantContext {
    struct Limit {
        var name: String
        var selector: RouteSelector
    }

    let id: ResourceID
    private let policies: [Limit]
    private let quotas: [Limit]

    init?(of tenant: String, in view: some ResourceView) {
        guard let resource = view.resource(ResourceKey(.tenant, name: tenant)) else { return nil }
        id = resource.id
        policies = view.resources(of: .policy, tenant: tenant).compactMap { policy in
            (policy.spec as? Policy).map { Limit(name: policy.key.name, selector: $0.selector) }
        }
        quotas = view.resources(of: .quota, tenant: tenant).compactMap { quota in
            (quota.spec as? Quota).map { Limit(name: quota.key.name, selector: $0.selector) }
        }
    }

    /// Names of the rate limits that a request to the route must pass, ordered.
    func rateLimits(for route: Resource) -> [String] { names(of: policies, for: route) }

    /// Names of the quotas that a request to the route draws on, ordered.
    func quotas(for route: Resource) -> [String] { names(of: quotas, for: route) }

    private func names(of limits: [Limit], for route: Resource) -> [String] {
        limits.filter { $0.selector.selects(route: route.key.name, labels: route.labels) }.map(\.name)
    }
}
