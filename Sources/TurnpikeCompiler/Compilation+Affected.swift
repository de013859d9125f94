// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel
public import TurnpikeSnapshot

extension Compilation {
    /// The compiled resources that a change of one resource may have changed, with the view showing the state after.
    /// Possibly more than really differ, never fewer.
    ///
    /// The effort follows what the change touches: itself; for a policy or quota whose selector changed, also the
    /// routes selected before or after; for a tenant that came, went or got another identity, all that it has.
    public func affected(from before: Resource?, to after: Resource?) -> Set<CompiledName> {
        guard let key = (after ?? before)?.key else { return [] }
        guard let tenant = key.tenant else {
            return key.kind == .tenant && before?.id != after?.id ? everything(of: key.name) : []
        }
        guard let type = CompiledResource.ResourceType(compiledFrom: key.kind) else { return [] }
        let oldSelector = before?.spec.routeSelector
        let newSelector = after?.spec.routeSelector
        // A route holds no more of a limit than its name, so a limit whose selection stays leaves its routes alone.
        var affected = oldSelector == newSelector ? [] : routes(of: tenant, selectedBy: [oldSelector, newSelector])
        affected.insert(CompiledName(type, tenant: tenant, name: key.name))
        return affected
    }

    private func routes(of tenant: String, selectedBy selectors: [RouteSelector?]) -> Set<CompiledName> {
        let selectors = selectors.compactMap(\.self)
        guard selectors.contains(where: { $0.selectsAll || !$0.labels.isEmpty }) else {
            return Set(selectors.flatMap(\.routes).map { CompiledName(.route, tenant: tenant, name: $0) })
        }
        var selected: Set<CompiledName> = []
        for route in view.resources(of: .route, tenant: tenant)
        where selectors.contains(where: { $0.selects(route: route.key.name, labels: route.labels) }) {
            selected.insert(CompiledName(.route, tenant: tenant, name: route.key.name))
        }
        return selected
    }

    private func everything(of tenant: String) -> Set<CompiledName> {
        var names: Set<CompiledName> = []
        for kind in Kind.allCases {
            guard let type = CompiledResource.ResourceType(compiledFrom: kind) else { continue }
            for resource in view.resources(of: kind, tenant: tenant) {
                names.insert(CompiledName(type, tenant: tenant, name: resource.key.name))
            }
        }
        return names
    }
}

extension CompiledResource.ResourceType {
    /// What resources of a kind become; `nil` for kinds that data planes never see.
    init?(compiledFrom kind: Kind) {
        switch kind {
        case .route: self = .route
        case .service: self = .cluster
        case .apiKey: self = .key
        case .policy: self = .rateLimit
        case .quota: self = .quota
        case .certificate: self = .certificate
        case .tenant, .worker, .joinToken, .operator: return nil
        }
    }
}

extension ResourceSpec {
    /// The routes that the resource is about, where it is attached by selector.
    fileprivate var routeSelector: RouteSelector? {
        switch Self.kind {
        case .policy: (self as? Policy)?.selector
        case .quota: (self as? Quota)?.selector
        default: nil
        }
    }
}
