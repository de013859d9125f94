// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
public import TurnpikeSnapshot

/// What the versions of a gateway's configuration are made of, change by change: the cost of a change follows what it
/// touches, never how much there is.
///
/// A change is taken over as a whole, or refused and leaves nothing behind. Confined to whoever applies the changes.
public struct GatewayState: Sendable {
    private struct TenantState: Sendable {
        let slot: Int
        var configuration: TenantConfiguration
    }

    private var tenants = ShardedMap<String, TenantState>()
    private var keys = KeyTable()
    private var hosts: HostDirectory
    private var configurations = PiecedArray<TenantConfiguration?>()
    private var tenantSlots = SlotAllocator()
    private var clusterSlots = SlotAllocator()
    private let hashSeed: UInt64

    /// - Parameter hashSeed: of the tables that are looked up by what clients send; random, so that nobody can choose
    ///   hosts and paths that collide.
    public init(hashSeed: UInt64 = .random(in: .min ... .max)) {
        self.hashSeed = hashSeed
        hosts = HostDirectory(seed: hashSeed)
    }

    /// Takes a change over.
    ///
    /// - Returns: the configuration that holds from then on.
    /// - Throws: why it cannot be served; the state is as before.
    public mutating func apply(_ delta: Delta) throws(GatewayConfiguration.Rejection) -> GatewayConfiguration {
        guard delta.isSnapshot else { return try change(delta) }
        var fresh = GatewayState(hashSeed: hashSeed)
        let made = try fresh.change(delta)
        // Loops tell clusters from each other by object, so slots that begin anew confuse nobody.
        self = fresh
        return made
    }

    private mutating func change(_ delta: Delta) throws(GatewayConfiguration.Rejection) -> GatewayConfiguration {
        // All that is large shares with the draft what the change leaves alone.
        var draft = self
        var reasons = draft.takeKeys(delta)
        var changes = ClusterChanges(replacesAll: delta.isSnapshot)
        for (tenant, change) in Self.changes(of: delta).sorted(by: { $0.key < $1.key })
        where reasons.count < GatewayConfiguration.mostReasons {
            reasons += draft.take(change, of: tenant, &changes)
        }
        guard reasons.isEmpty else {
            throw GatewayConfiguration.Rejection(reasons: Array(reasons.prefix(GatewayConfiguration.mostReasons)))
        }
        self = draft
        return GatewayConfiguration(
            revision: delta.revision, hosts: hosts, tenants: configurations, keys: keys, changes: changes)
    }

    /// Whether anything of a tenant is served.
    public func hasTenant(_ name: String) -> Bool { tenants[name] != nil }

    /// - Parameter name: of a route or a service; of nothing else it is known.
    public func has(_ name: CompiledName) -> Bool {
        guard let tenant = tenants[name.tenant]?.configuration else { return false }
        switch name.type {
        case .route: return tenant.routes[name.name] != nil
        case .cluster: return tenant.clusters[name.name] != nil
        case .key, .rateLimit, .quota, .certificate: return false
        }
    }

    /// Everything but keys, by tenant; and but for certificates, which are shown before there is a request.
    private static func changes(of delta: Delta) -> [String: TenantChange] {
        var changes: [String: TenantChange] = [:]
        for name in delta.removed where name.type != .key && name.type != .certificate {
            changes[name.tenant, default: TenantChange()].remove(name)
        }
        for resource in delta.set {
            switch resource {
            case .key, .certificate: continue
            case .route, .cluster, .rateLimit, .quota:
                let name = resource.name
                changes[name.tenant, default: TenantChange()].set(resource, as: name)
            }
        }
        return changes
    }

    /// Keys that change go first, so that a digest may pass from one name to another.
    private mutating func takeKeys(_ delta: Delta) -> [Acknowledgement.Reason] {
        for name in delta.removed where name.type == .key { keys.remove(tenant: name.tenant, name: name.name) }
        if !delta.isSnapshot {
            for case .key(let key) in delta.set { keys.remove(tenant: key.tenant, name: key.name) }
        }
        var reasons: [Acknowledgement.Reason] = []
        for case .key(let key) in delta.set where !keys.insert(key) {
            guard reasons.count < GatewayConfiguration.mostReasons else { break }
            let name = CompiledName(.key, tenant: key.tenant, name: key.name)
            reasons.append(Acknowledgement.Reason(name: name, detail: "Another key has the same digest."))
        }
        return reasons
    }

    private mutating func take(
        _ change: TenantChange, of name: String, _ changes: inout ClusterChanges
    ) -> [Acknowledgement.Reason] {
        let former = tenants[name]
        var compilation = TenantCompilation(
            change, of: former?.configuration, hashSeed: hashSeed, slots: &clusterSlots)
        guard let made = compilation.configuration() else { return compilation.reasons }
        let slot = former?.slot ?? tenantSlots.take()
        changes.added += compilation.addedClusters
        changes.removed += compilation.removedClusters
        for cluster in compilation.lostClusters { clusterSlots.giveBack(cluster.slot) }
        hosts.change(removing: compilation.removedHosts, adding: compilation.addedHosts, owner: slot)
        if slot == configurations.count { configurations.append(nil) }
        configurations[slot] = made.isEmpty ? nil : made
        tenants[name] = made.isEmpty ? nil : TenantState(slot: slot, configuration: made)
        if made.isEmpty { tenantSlots.giveBack(slot) }
        return []
    }
}
