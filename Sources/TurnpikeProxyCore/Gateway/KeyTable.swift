// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// What a gateway knows of one API key.
struct GatewayKey: Sendable {
    let id: ResourceID
    let tenantID: ResourceID
    /// Milliseconds since 1970; `Int64.max` where it never expires.
    let expiresAt: Int64
    /// Place of its routes in the table's lists; -1 for all routes of its tenant.
    let routeList: Int32

    func isExpired(at wall: Timestamp) -> Bool { wall.milliseconds >= expiresAt }
}

/// All API keys, by digest and by name.
///
/// A million of them take about 105 MB: a key is a record of 64 bytes, found by its digest, and names are kept as hashes,
/// since nothing asks for them but the control plane, which says them again. The records lie in many tables, so that a new
/// version of the whole shares all but the few that a change falls into with the version before. Of a million keys, each
/// table is large enough for the allocator to take it from the system, and give it back, by itself.
struct KeyTable: Sendable {
    private static let shardCount = 256

    private var shards = [KeyShard](repeating: KeyShard(), count: shardCount)
    private var names = [KeyNameShard](repeating: KeyNameShard(), count: shardCount)
    private(set) var count = 0
    private var tenants: [ResourceID] = []
    private var tenantPlaces: [ResourceID: UInt32] = [:]
    /// Sorted names of routes, one list for each set of routes that keys are bound to.
    private var routeLists: [[String]] = []
    private var knownLists: [[String]: Int32] = [:]

    func find(_ digest: KeyDigest) -> GatewayKey? {
        guard let record = shards[Self.shard(of: digest)].find(digest) else { return nil }
        return GatewayKey(
            id: record.id, tenantID: tenants[Int(record.tenant)], expiresAt: record.expiresAt,
            routeList: record.routeList)
    }

    /// - Parameter route: its name, in the tenant of the key.
    func mayUse(_ key: GatewayKey, route: String) -> Bool {
        key.routeList < 0 || routeLists[Int(key.routeList)].contains(route)
    }

    /// - Returns: false if the digest is there already.
    mutating func insert(_ key: CompiledKey) -> Bool {
        let record = KeyRecord(
            digest: key.digest, id: key.id, expiresAt: key.expiresAt?.milliseconds ?? .max,
            tenant: place(of: key.tenantID),
            routeList: key.routes.isEmpty ? -1 : list(of: key.routes))
        guard shards[Self.shard(of: key.digest)].insert(record) else { return false }
        let name = KeyName(tenant: key.tenant, name: key.name)
        names[name.shard(of: Self.shardCount)].insert(name, key.digest.words.0)
        count += 1
        return true
    }

    mutating func remove(tenant: String, name: String) {
        let name = KeyName(tenant: tenant, name: name)
        guard let word = names[name.shard(of: Self.shardCount)].remove(name) else { return }
        // The first word says in which table the digest lies, and there is one key with it: `insert` sees to that.
        shards[Self.shard(ofWord: word)].remove(word: word)
        count -= 1
    }

    /// A digest is uniform, and nobody can choose it: any of its bits will do.
    private static func shard(of digest: KeyDigest) -> Int { shard(ofWord: digest.words.0) }
    private static func shard(ofWord word: UInt64) -> Int { Int(truncatingIfNeeded: word >> 32) & (shardCount - 1) }

    private mutating func place(of tenant: ResourceID) -> UInt32 {
        if let known = tenantPlaces[tenant] { return known }
        tenants.append(tenant)
        tenantPlaces[tenant] = UInt32(tenants.count - 1)
        return UInt32(tenants.count - 1)
    }

    private mutating func list(of routes: [String]) -> Int32 {
        let sorted = routes.sorted()
        if let known = knownLists[sorted] { return known }
        routeLists.append(sorted)
        knownLists[sorted] = Int32(routeLists.count - 1)
        return Int32(routeLists.count - 1)
    }
}
