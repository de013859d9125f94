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

/// All API keys, by digest: open addressing over flat arrays, at most half full, 88 to 104 bytes a key.
struct KeyTable: Sendable {
    private var digests: [KeyDigest] = []
    private var keys: [GatewayKey] = []
    /// Positions plus one; zero is a free slot.
    private var slots: [UInt32]
    /// Sorted indices of routes, one list for each set of routes that keys are bound to.
    private var routeLists: [[Int]] = []
    private var knownLists: [[Int]: Int32] = [:]

    init(capacity: Int) {
        var slotCount = 16
        while slotCount < 2 * capacity { slotCount *= 2 }
        slots = Array(repeating: 0, count: slotCount)
        digests.reserveCapacity(capacity)
        keys.reserveCapacity(capacity)
    }

    var count: Int { keys.count }

    /// - Parameter routes: indices of the routes that it may use; nil for all of its tenant's.
    /// - Returns: false if the digest is there already, or the table is full.
    mutating func insert(_ key: CompiledKey, routes: [Int]?) -> Bool {
        guard 2 * (count + 1) <= slots.count, find(key.digest) == nil else { return false }
        var position = slot(of: key.digest)
        while slots[position] != 0 { position = (position + 1) & (slots.count - 1) }
        digests.append(key.digest)
        keys.append(
            GatewayKey(
                id: key.id, tenantID: key.tenantID, expiresAt: key.expiresAt?.milliseconds ?? .max,
                routeList: routes.map { list(of: $0) } ?? -1
            ))
        slots[position] = UInt32(keys.count)
        return true
    }

    func find(_ digest: KeyDigest) -> GatewayKey? {
        var position = slot(of: digest)
        while slots[position] != 0 {
            let index = Int(slots[position]) - 1
            if digests[index] == digest { return keys[index] }
            position = (position + 1) & (slots.count - 1)
        }
        return nil
    }

    func mayUse(_ key: GatewayKey, route: Int) -> Bool {
        key.routeList < 0 || routeLists[Int(key.routeList)].contains(route)
    }

    /// A digest is uniform, and nobody can choose it: any of its bits will do.
    private func slot(of digest: KeyDigest) -> Int { Int(truncatingIfNeeded: digest.words.1) & (slots.count - 1) }

    private mutating func list(of routes: [Int]) -> Int32 {
        let sorted = routes.sorted()
        if let known = knownLists[sorted] { return known }
        routeLists.append(sorted)
        knownLists[sorted] = Int32(routeLists.count - 1)
        return Int32(routeLists.count - 1)
    }
}
