// SPDX-License-Identifier: Apache-2.0

import TurnpikeSnapshot

/// What a delta says of one tenant, but for its keys: by name, what is now; nil where there is nothing any more.
struct TenantChange {
    private(set) var routes: [String: CompiledResource?] = [:]
    private(set) var clusters: [String: CompiledResource?] = [:]
    private(set) var rateLimits: [String: CompiledResource?] = [:]
    private(set) var quotas: [String: CompiledResource?] = [:]

    mutating func remove(_ name: CompiledName) { note(nil, as: name) }

    mutating func set(_ resource: CompiledResource, as name: CompiledName) { note(resource, as: name) }

    private mutating func note(_ resource: CompiledResource?, as name: CompiledName) {
        switch name.type {
        case .route: routes.updateValue(resource, forKey: name.name)
        case .cluster: clusters.updateValue(resource, forKey: name.name)
        case .rateLimit: rateLimits.updateValue(resource, forKey: name.name)
        case .quota: quotas.updateValue(resource, forKey: name.name)
        case .key, .certificate: break
        }
    }
}
