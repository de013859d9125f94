// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// One key as it lies in memory.
struct KeyRecord: Sendable {
    let digest: KeyDigest
    let id: ResourceID
    let expiresAt: Int64
    let tenant: UInt32
    let routeList: Int32
}

/// A 256th of all keys, by digest: open addressing over records that lie close together.
struct KeyShard: Sendable {
    private var records: [KeyRecord] = []
    /// Positions plus one; zero is a free slot. At most three quarters are taken.
    private var slots: [UInt32] = []

    func find(_ digest: KeyDigest) -> KeyRecord? {
        guard !slots.isEmpty else { return nil }
        var position = slot(of: digest.words.0)
        while slots[position] != 0 {
            let record = records[Int(slots[position]) - 1]
            if record.digest == digest { return record }
            position = (position + 1) & (slots.count - 1)
        }
        return nil
    }

    /// - Returns: false if there is a record with the same first word, which of two digests means that they are one.
    mutating func insert(_ record: KeyRecord) -> Bool {
        if 4 * (records.count + 1) > 3 * slots.count { rebuild(slotCount: max(16, 2 * slots.count)) }
        var position = slot(of: record.digest.words.0)
        while slots[position] != 0 {
            if records[Int(slots[position]) - 1].digest.words.0 == record.digest.words.0 { return false }
            position = (position + 1) & (slots.count - 1)
        }
        // Room for an eighth more at a time: of a million keys, unused room would be the larger part of what they take.
        if records.count == records.capacity { records.reserveCapacity(records.count + max(4, records.count / 8)) }
        records.append(record)
        slots[position] = UInt32(records.count)
        return true
    }

    mutating func remove(word: UInt64) {
        guard let place = records.firstIndex(where: { $0.digest.words.0 == word }) else { return }
        records.swapAt(place, records.count - 1)
        records.removeLast()
        rebuild(slotCount: slots.count)
    }

    private func slot(of word: UInt64) -> Int { Int(truncatingIfNeeded: word) & (slots.count - 1) }

    private mutating func rebuild(slotCount: Int) {
        slots = Array(repeating: 0, count: slotCount)
        for (index, record) in records.enumerated() {
            var position = slot(of: record.digest.words.0)
            while slots[position] != 0 { position = (position + 1) & (slotCount - 1) }
            slots[position] = UInt32(index + 1)
        }
    }
}

/// The name of a key, as 128 bits of a hash that is seeded anew in each process: two names out of a million share one with a
/// probability of 10⁻²⁷, whoever chose them.
struct KeyName: Sendable, Equatable {
    let high: UInt64
    let low: UInt64

    init(tenant: String, name: String) {
        func hash(_ salt: UInt8) -> UInt64 {
            var hasher = Hasher()
            hasher.combine(salt)
            hasher.combine(tenant)
            hasher.combine(name)
            return UInt64(bitPattern: Int64(hasher.finalize()))
        }
        // Zero is what a free slot holds.
        high = hash(0) | 1
        low = hash(1)
    }

    func shard(of count: Int) -> Int { Int(truncatingIfNeeded: low >> 32) & (count - 1) }
}

/// A 256th of all names: which digest's first word goes with each. Open addressing, at most seven eighths full: names are
/// looked up only when keys change, so room is worth more here than time.
struct KeyNameShard: Sendable {
    private struct Slot: Sendable {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var word: UInt64 = 0
    }

    private var slots: [Slot] = []
    private var count = 0

    mutating func insert(_ name: KeyName, _ word: UInt64) {
        if 8 * (count + 1) > 7 * slots.count { rebuild(slotCount: slots.count + max(8, slots.count / 8)) }
        place(Slot(high: name.high, low: name.low, word: word))
        count += 1
    }

    /// - Returns: what went with the name; `nil` where it is not there.
    mutating func remove(_ name: KeyName) -> UInt64? {
        guard !slots.isEmpty else { return nil }
        var position = home(of: name.low)
        while slots[position].high != 0 {
            if slots[position].high == name.high, slots[position].low == name.low {
                let word = slots[position].word
                slots[position] = Slot()
                count -= 1
                // What was placed behind the gap must be found again.
                rebuild(slotCount: slots.count)
                return word
            }
            position = next(position)
        }
        return nil
    }

    private mutating func place(_ slot: Slot) {
        var position = home(of: slot.low)
        while slots[position].high != 0 { position = next(position) }
        slots[position] = slot
    }

    /// Where the search begins: the lower half of the hash, as a fraction of the slots, which are of any number.
    private func home(of low: UInt64) -> Int {
        Int(truncatingIfNeeded: (low & 0xFFFF_FFFF) * UInt64(slots.count) / (1 << 32))
    }

    private func next(_ position: Int) -> Int { position + 1 == slots.count ? 0 : position + 1 }

    private mutating func rebuild(slotCount: Int) {
        let old = slots
        slots = Array(repeating: Slot(), count: slotCount)
        for slot in old where slot.high != 0 { place(slot) }
    }
}
