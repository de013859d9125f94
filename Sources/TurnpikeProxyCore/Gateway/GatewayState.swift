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
        /// All but keys.
        var resources: [CompiledName: CompiledResource] = [:]
        var configuration: TenantConfiguration?
    }

    private var tenants: [String: TenantState] = [:]
    private var keys = KeyTable()
    private var hosts: HostDirectory
    private var configurations: [TenantConfiguration?] = []
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
        var draft = self
        let touched = draft.take(delta)
        var reasons = draft.takeKeys(delta)
        var changes = ClusterChanges(replacesAll: delta.isSnapshot)
        for tenant in touched.sorted() where reasons.count < GatewayConfiguration.mostReasons {
            reasons += draft.remake(tenant, &changes)
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

    /// - Parameter name: of all but a key, or a certificate.
    public func has(_ name: CompiledName) -> Bool { tenants[name.tenant]?.resources[name] != nil }

    /// Takes everything but keys; and but for certificates, which are shown before there is a request.
    ///
    /// - Returns: the tenants that have to be made anew.
    private mutating func take(_ delta: Delta) -> Set<String> {
        var touched: Set<String> = []
        for name in delta.removed where name.type != .key && name.type != .certificate {
            tenants[name.tenant]?.resources[name] = nil
            touched.insert(name.tenant)
        }
        for resource in delta.set {
            switch resource {
            case .key, .certificate: continue
            case .route, .cluster, .rateLimit, .quota: break
            }
            let name = resource.name
            if tenants[name.tenant] == nil {
                let slot = tenantSlots.take()
                tenants[name.tenant] = TenantState(slot: slot)
                if slot == configurations.count { configurations.append(nil) }
            }
            tenants[name.tenant]?.resources[name] = resource
            touched.insert(name.tenant)
        }
        return touched
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

    private mutating func remake(_ name: String, _ changes: inout ClusterChanges) -> [Acknowledgement.Reason] {
        guard let tenant = tenants[name] else { return [] }
        guard !tenant.resources.isEmpty else {
            exchange(tenant.configuration?.clusters ?? [:], for: [:], &changes)
            hosts.change(removing: tenant.configuration?.hosts ?? [], adding: [], owner: tenant.slot)
            configurations[tenant.slot] = nil
            tenantSlots.giveBack(tenant.slot)
            tenants[name] = nil
            return []
        }
        var compilation = TenantCompilation(
            tenant.resources.values, previous: tenant.configuration, slots: &clusterSlots)
        guard let made = compilation.configuration(hashSeed: hashSeed) else { return compilation.reasons }
        exchange(tenant.configuration?.clusters ?? [:], for: made.clusters, &changes)
        let former = tenant.configuration?.hosts ?? []
        if former != made.hosts {
            hosts.change(
                removing: former.subtracting(made.hosts), adding: made.hosts.subtracting(former), owner: tenant.slot)
        }
        configurations[tenant.slot] = made
        tenants[name]?.configuration = made
        return []
    }

    /// Notes which clusters take whose place.
    private mutating func exchange(
        _ old: [String: GatewayCluster], for new: [String: GatewayCluster], _ changes: inout ClusterChanges
    ) {
        for (name, cluster) in new where old[name] !== cluster { changes.added.append(cluster) }
        for (name, cluster) in old where new[name] !== cluster {
            clusterSlots.giveBack(cluster.slot)
            changes.removed.append(cluster)
        }
    }
}
