// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
public import TurnpikeSnapshot

/// Compiles resources as they stand in one state into what data planes serve by.
///
/// Compiling is a pure function of the view: each compiled resource has one source, and what else it takes from the
/// state is what `affected(from:to:)` follows backwards. That is the identity of its tenant and nothing else, so that a
/// change of one resource is a change of one compiled resource. A compilation remembers those identities; it is good for as
/// long as the view does not change.
public struct Compilation<View: ResourceView> {
    let view: View
    private var tenants: [String: ResourceID?] = [:]

    public init(of view: View) { self.view = view }

    /// The compiled resource of that name; `nil` where the state has nothing to serve under it.
    public mutating func compile(_ name: CompiledName) -> CompiledResource? {
        guard let resource = view.resource(name.source), let tenant = id(of: name.tenant) else { return nil }
        return compile(resource, of: tenant)
    }

    /// Everything of some types, from scratch.
    public mutating func compileAll(
        of types: some Collection<CompiledResource.ResourceType> = CompiledResource.ResourceType.allCases,
        _ each: (CompiledResource) -> Void
    ) {
        for name in view.tenants() {
            guard let tenant = id(of: name) else { continue }
            for kind in Kind.allCases {
                guard let type = CompiledResource.ResourceType(compiledFrom: kind), types.contains(type) else {
                    continue
                }
                for resource in view.resources(of: kind, tenant: name) {
                    if let compiled = compile(resource, of: tenant) { each(compiled) }
                }
            }
        }
    }

    private func compile(_ resource: Resource, of tenant: ResourceID) -> CompiledResource? {
        switch resource.spec {
        case let route as Route: .route(CompiledRoute(resource, route, of: tenant))
        case let service as Service: .cluster(CompiledCluster(resource, service))
        case let key as APIKey: CompiledKey(resource, key, of: tenant).map { .key($0) }
        case let policy as Policy: .rateLimit(CompiledRateLimit(resource, policy))
        case let quota as Quota: .quota(CompiledQuota(resource, quota, of: tenant))
        case let certificate as Certificate: CompiledCertificate(resource, certificate).map { .certificate($0) }
        default: nil
        }
    }

    private mutating func id(of tenant: String) -> ResourceID? {
        if let known = tenants[tenant] { return known }
        let id = view.resource(ResourceKey(.tenant, name: tenant))?.id
        tenants[tenant] = .some(id)
        return id
    }
}
