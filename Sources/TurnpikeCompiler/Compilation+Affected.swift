// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel
public import TurnpikeSnapshot

extension Compilation {
    /// The compiled resources that a change of one resource may have changed, with the view showing the state after.
    /// Possibly more than really differ, never fewer.
    ///
    /// The effort follows what the change touches: itself; for a tenant that came, went or got another identity, all that it
    /// has.
    public func affected(from before: Resource?, to after: Resource?) -> Set<CompiledName> {
        guard let key = (after ?? before)?.key else { return [] }
        guard let tenant = key.tenant else {
            return key.kind == .tenant && before?.id != after?.id ? everything(of: key.name) : []
        }
        guard let type = CompiledResource.ResourceType(compiledFrom: key.kind) else { return [] }
        return [CompiledName(type, tenant: tenant, name: key.name)]
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
