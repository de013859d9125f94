// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Which tenant each host belongs to: that of the first route or certificate for it.
struct HostClaims: Sendable {
    private struct Claim: Sendable {
        var tenant: String
        /// Names of the routes that match the host.
        var routes = SortedNames()
        /// How many certificates speak for it.
        var certificates = 0

        var count: Int { routes.count + certificates }
    }

    private var claims: [String: Claim] = [:]
    /// By parent, how many claims of each tenant are for hosts one label below.
    private var below: [String: [String: Int]] = [:]

    mutating func insert(_ resource: Resource) {
        let tenant = resource.key.tenant ?? ""
        for host in resource.hosts {
            change(host, of: tenant) { claim in
                if resource.key.kind == .route {
                    claim.routes.insert(resource.key.name)
                } else {
                    claim.certificates += 1
                }
            }
            if let parent = Host.parent(of: host) { below[parent, default: [:]][tenant, default: 0] += 1 }
        }
    }

    mutating func remove(_ resource: Resource) {
        let tenant = resource.key.tenant ?? ""
        for host in resource.hosts {
            change(host, of: tenant) { claim in
                if resource.key.kind == .route {
                    claim.routes.remove(resource.key.name)
                } else {
                    claim.certificates -= 1
                }
            }
            guard let parent = Host.parent(of: host), let count = below[parent]?[tenant] else { continue }
            below[parent]?[tenant] = count > 1 ? count - 1 : nil
            if below[parent]?.isEmpty == true { below[parent] = nil }
        }
    }

    private mutating func change(_ host: String, of tenant: String, _ change: (inout Claim) -> Void) {
        change(&claims[host, default: Claim(tenant: tenant)])
        if claims[host]?.count == 0 { claims[host] = nil }
    }

    func claims(on host: String) -> [String: Int] { claims[host].map { [$0.tenant: $0.count] } ?? [:] }

    func claims(below parent: String) -> [String: Int] { below[parent] ?? [:] }

    /// The routes that match this very host, at most `limit`, ordered by name.
    func routes(on host: String, limit: Int) -> [ResourceKey] {
        guard let claim = claims[host] else { return [] }
        return claim.routes.names(after: nil, limit: limit).map { ResourceKey(.route, tenant: claim.tenant, name: $0) }
    }
}
