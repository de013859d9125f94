// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// 128 bytes of a mapped segment: one key and its running totals.
///
/// | word | holds |
/// |---|---|
/// | 0 | state: 0 where the slot is free; else the kind, which of the two copies is true (bit 8), and the key's CRC-32 |
/// | 1–7 | the rest of the key |
/// | 8–11, 12–15 | two copies of the totals |
///
/// A process killed at any instruction leaves a slot that is not there or one that is true. A new slot is written
/// behind its state, which is stored last. Totals go to the copy that does not count; then one store of the state makes
/// it the one that does. So all four totals of a record change in one instant, and no reader ever sees half a record.
///
/// The stores are ordered for the compiler and the processor; what the kernel holds of a killed process's mapping is
/// what was stored. A loss of power may lose the newest stores and, since the kernel writes pages in any order, leave a
/// copy that is half old; a key that is half written is found by its checksum.
struct JournalSlot {
    static let byteCount = 128
    static let wordCount = 16

    static let copyFlag: UInt64 = 1 << 8
    private static let firstCopy = 8

    /// Bound by the segment to memory that outlives the slot, and written by one thread only.
    private let words: UnsafeMutablePointer<Atomic<UInt64>>

    init(words: UnsafeMutablePointer<Atomic<UInt64>>) { self.words = words }

    /// Fills a free slot.
    func publish(_ key: JournalKey, _ totals: JournalCounters) {
        for index in 1..<8 { words[index].store(key.lanes[index], ordering: .relaxed) }
        write(totals, at: JournalSlot.firstCopy)
        words[0].store(key.lanes[0] | UInt64(key.checksum) << 32, ordering: .releasing)
    }

    func add(_ amounts: JournalCounters) {
        let state = words[0].load(ordering: .relaxed)
        let flipped = state ^ JournalSlot.copyFlag
        write(totals(in: state) &+ amounts, at: JournalSlot.copy(in: flipped))
        words[0].store(flipped, ordering: .releasing)
    }

    /// Frees the slot.
    func clear() { words[0].store(0, ordering: .releasing) }

    /// Whether this is its key.
    @inline(__always)
    func counts(_ key: JournalKey) -> Bool {
        var difference = (words[0].load(ordering: .relaxed) & 0xFF) ^ key.lanes[0]
        for index in 1..<8 { difference |= words[index].load(ordering: .relaxed) ^ key.lanes[index] }
        return difference == 0
    }

    var key: JournalKey {
        var lanes = SIMD8<UInt64>()
        lanes[0] = words[0].load(ordering: .relaxed) & 0xFF
        for index in 1..<8 { lanes[index] = words[index].load(ordering: .relaxed) }
        return JournalKey(lanes: lanes)
    }

    var totals: JournalCounters { totals(in: words[0].load(ordering: .relaxed)) }

    private func totals(in state: UInt64) -> JournalCounters {
        let copy = JournalSlot.copy(in: state)
        var totals = JournalCounters()
        for index in 0..<4 { totals[index] = Int64(bitPattern: words[copy + index].load(ordering: .relaxed)) }
        return totals
    }

    private func write(_ totals: JournalCounters, at copy: Int) {
        for index in 0..<4 { words[copy + index].store(UInt64(bitPattern: totals[index]), ordering: .relaxed) }
    }

    /// The index of the first word of the copy that counts.
    static func copy(in state: UInt64) -> Int { state & copyFlag == 0 ? firstCopy : firstCopy + 4 }
}

/// What the bytes of a slot say, read from a file that no process writes any more.
enum JournalEntry: Equatable {
    case free
    case slot(JournalKey, JournalCounters)
    /// Bytes that no slot can hold.
    case damaged

    init(words: SIMD16<UInt64>) {
        let state = words[0]
        guard state != 0 else {
            self = .free
            return
        }
        var lanes = words.lowHalf
        lanes[0] = state & 0xFF
        let key = JournalKey(lanes: lanes)
        let copy = JournalSlot.copy(in: state)
        var totals = JournalCounters()
        for index in 0..<4 { totals[index] = Int64(bitPattern: words[copy + index]) }
        let isSound =
            UInt32(truncatingIfNeeded: state >> 32) == key.checksum && state & 0xFFFF_FE00 == 0
            && totals.min() >= 0 && key.isSound
        self = isSound ? .slot(key, totals) : .damaged
    }
}

extension JournalKey {
    /// Whether a gateway could have written it.
    fileprivate var isSound: Bool {
        switch kind {
        case .usage: (1...5).contains(lanes[7] & 0xFF) && (0...Int64.max / 60_000).contains(minute)
        case .consumption: lanes[6] == 0 && lanes[7] == 0
        case nil: false
        }
    }
}
