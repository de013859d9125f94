// SPDX-License-Identifier: Apache-2.0

/// A dictionary in many small ones, so that a changed copy shares all but the few that the change falls into with what it was
/// copied from: versions of a large map cost what differs between them.
struct ShardedMap<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// Entries of a shard, on average, above which there are made twice as many, and below which half.
    private static var bounds: ClosedRange<Int> { 4...24 }

    /// A power of two.
    private var shards = PiecedArray<[Key: Value]>(repeating: [:], count: 1)
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// In no order.
    var values: some Collection<Value> { shards.values.lazy.flatMap(\.values) }

    subscript(key: Key) -> Value? {
        get { shards[shard(of: key)][key] }
        set {
            let place = shard(of: key)
            let before = shards[place].count
            shards[place][key] = newValue
            count += shards[place].count - before
            let average = count / shards.count
            if average > Self.bounds.upperBound { share(among: 2 * shards.count) }
            if average < Self.bounds.lowerBound, shards.count > 1 { share(among: shards.count / 2) }
        }
    }

    private func shard(of key: Key) -> Int {
        guard shards.count > 1 else { return 0 }
        // By other bits than a dictionary places its entries by.
        return Int(truncatingIfNeeded: UInt(bitPattern: key.hashValue) >> 32) & (shards.count - 1)
    }

    private mutating func share(among number: Int) {
        let former = shards
        shards = PiecedArray(repeating: [:], count: number)
        for (key, value) in former.values.lazy.joined() { shards[shard(of: key)][key] = value }
    }
}
