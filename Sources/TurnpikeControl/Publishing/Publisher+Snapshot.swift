// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeModel
import TurnpikeSnapshot

extension Publisher {
    /// Some routes as workers have them, with the clusters that they are served with, and all rate limits and quotas of their tenants.
    func snapshot(of routes: [ResourceKey]) -> Snapshot {
        // The state as of now, for the price of a reference; what follows keeps nobody waiting.
        let (revision, compiled) = state.withLock { ($0.revision, $0.compiled) }
        var snapshot = Snapshot(revision: revision)
        func take(_ type: CompiledResource.ResourceType, _ tenant: String, _ name: String) {
            let name = CompiledName(type, tenant: tenant, name: name)
            snapshot.resources[name] = compiled[name]
        }
        for key in routes {
            guard let tenant = key.tenant,
                case .route(let route)? = compiled[CompiledName(.route, tenant: tenant, name: key.name)]
            else { continue }
            take(.route, tenant, key.name)
            for backend in route.backends { take(.cluster, tenant, backend.cluster) }
            for mirror in route.mirrors { take(.cluster, tenant, mirror.service) }
        }
        for tenant in Set(routes.compactMap(\.tenant)) {
            for policy in view.resources(of: .policy, tenant: tenant) { take(.rateLimit, tenant, policy.key.name) }
            for quota in view.resources(of: .quota, tenant: tenant) { take(.quota, tenant, quota.key.name) }
        }
        return snapshot
    }
}
