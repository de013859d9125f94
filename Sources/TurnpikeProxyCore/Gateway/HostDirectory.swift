// SPDX-License-Identifier: Apache-2.0

/// Which tenant a host belongs to: by its very name, else by the longest wildcard above it.
///
/// A host has one owner, and requests for it never reach another tenant's routes, whatever these match. The patterns lie in
/// many small maps, so that a change makes anew only those that it falls into.
struct HostDirectory: Sendable {
    private static let shardCount = 256

    private struct Shard: Sendable {
        /// Patterns as routes write them, to make the map of.
        var patterns: [String: UInt32] = [:]
        var map: ByteMap
    }

    private var shards: [Shard]
    private var wildcardCount = 0
    private let seed: UInt64
    private let hasher: ByteHash

    init(seed: UInt64) {
        self.seed = seed
        hasher = ByteHash(seed: seed &+ 1)
        shards = Array(repeating: Shard(map: ByteMap(seed: seed)), count: Self.shardCount)
    }

    /// The owner's slot; `nil` where nobody has the host.
    ///
    /// - Parameter host: without port and final dot, in any case.
    func owner(of host: UnsafeRawBufferPointer) -> Int? {
        if let owner = find(host, scope: RouteTable.exactHosts) { return owner }
        guard wildcardCount > 0, host.count <= HostValue.longestName else { return nil }
        for dot in host.indices.dropFirst() where host[dot] == ASCII.dot {
            if let owner = find(host[ByteRange(dot, host.count)], scope: RouteTable.wildcardHosts) { return owner }
        }
        return nil
    }

    /// Gives patterns up, and others to an owner.
    mutating func change(removing removed: Set<String>, adding added: Set<String>, owner slot: Int) {
        var touched: Set<Int> = []
        for pattern in removed {
            let place = shard(of: pattern)
            // Only what is the owner's own: another may have taken it over in the same change.
            guard shards[place].patterns[pattern] == UInt32(slot + 1) else { continue }
            shards[place].patterns[pattern] = nil
            wildcardCount -= pattern.hasPrefix("*") ? 1 : 0
            touched.insert(place)
        }
        for pattern in added {
            let place = shard(of: pattern)
            if shards[place].patterns.updateValue(UInt32(slot + 1), forKey: pattern) == nil, pattern.hasPrefix("*") {
                wildcardCount += 1
            }
            touched.insert(place)
        }
        for place in touched { shards[place].map = map(of: shards[place].patterns) }
    }

    private func find(_ host: UnsafeRawBufferPointer, scope: UInt32) -> Int? {
        let hash = hasher.hash(host, scope: scope, foldingCase: true)
        let place = Int(truncatingIfNeeded: hash) & (Self.shardCount - 1)
        return shards[place].map.find(host, scope: scope, foldingCase: true).map { Int($0) - 1 }
    }

    private func shard(of pattern: String) -> Int {
        let (bytes, scope) = Self.key(of: pattern)
        let hash = bytes.withUnsafeBytes { hasher.hash($0, scope: scope, foldingCase: true) }
        return Int(truncatingIfNeeded: hash) & (Self.shardCount - 1)
    }

    private func map(of patterns: [String: UInt32]) -> ByteMap {
        var map = ByteMap(seed: seed)
        for (pattern, owner) in patterns {
            let (bytes, scope) = Self.key(of: pattern)
            _ = map.insert(bytes, scope: scope, value: owner)
        }
        return map
    }

    /// Wildcards are kept from their dot on.
    private static func key(of pattern: String) -> (bytes: [UInt8], scope: UInt32) {
        let lowered = pattern.lowercased()
        return lowered.hasPrefix("*")
            ? (Array(lowered.utf8.dropFirst()), RouteTable.wildcardHosts) : (Array(lowered.utf8), RouteTable.exactHosts)
    }
}
