// SPDX-License-Identifier: Apache-2.0

/// Which slot of a journal counts what: open addressing over numbers of slots.
///
/// Keys are not kept here a second time: eight bytes a slot, half of them a part of the key's hash, lead to the slot itself, which
/// says what it counts. A request so reads one line of this table, and one that it writes to anyhow. At most half of the places
/// are taken.
struct JournalIndex {
    private struct Place {
        var tag: UInt32 = 0
        /// Plus one; zero is a free place.
        var number: UInt32 = 0
    }

    private var places = [Place](repeating: Place(), count: 1024)
    private(set) var count = 0
    private let seed: UInt64

    /// - Parameter seed: random, so that nobody can choose keys that collide.
    init(seed: UInt64 = .random(in: .min ... .max)) { self.seed = seed }

    /// The number of the slot that counts this.
    ///
    /// - Parameter slot: the slot of a number.
    @inline(__always)
    func find(_ key: JournalKey, slot: (Int) -> JournalSlot) -> Int? {
        let tag = key.tag(seed: seed)
        var position = home(of: tag)
        while places[position].number != 0 {
            let number = Int(places[position].number) - 1
            if places[position].tag == tag, slot(number).counts(key) { return number }
            position = next(position)
        }
        return nil
    }

    /// - Precondition: the key is not there.
    mutating func insert(_ key: JournalKey, _ number: Int) {
        if 2 * (count + 1) > places.count { grow() }
        place(Place(tag: key.tag(seed: seed), number: UInt32(number + 1)))
        count += 1
    }

    /// Takes a key out where it leads to this slot.
    mutating func remove(_ key: JournalKey, _ number: Int) {
        var position = home(of: key.tag(seed: seed))
        while places[position].number != UInt32(number + 1) {
            if places[position].number == 0 { return }
            position = next(position)
        }
        places[position] = Place()
        count -= 1
        closeGap(at: position)
    }

    /// What was placed behind a gap since its home was taken moves up, so that the search for it does not end there (Knuth, The Art
    /// of Computer Programming 3, 6.4, algorithm R).
    private mutating func closeGap(at start: Int) {
        var gap = start
        var position = next(gap)
        while places[position].number != 0 {
            let home = home(of: places[position].tag)
            // It may lie in the gap where its home is not behind it.
            if (position &- home) & (places.count - 1) >= (position &- gap) & (places.count - 1) {
                places[gap] = places[position]
                places[position] = Place()
                gap = position
            }
            position = next(position)
        }
    }

    private mutating func grow() {
        let old = places
        places = Array(repeating: Place(), count: 2 * old.count)
        for taken in old where taken.number != 0 { place(taken) }
    }

    private mutating func place(_ taken: Place) {
        var position = home(of: taken.tag)
        while places[position].number != 0 { position = next(position) }
        places[position] = taken
    }

    private func home(of tag: UInt32) -> Int { Int(tag) & (places.count - 1) }

    private func next(_ position: Int) -> Int { (position + 1) & (places.count - 1) }
}

extension JournalKey {
    /// The ids are the control plane's, not of a client's choice, so that mixing the words by multiplication is enough.
    @inline(__always)
    fileprivate func tag(seed: UInt64) -> UInt32 {
        var mixed = seed
        for index in 0..<8 { mixed = (mixed ^ lanes[index]) &* 0x9E37_79B9_7F4A_7C15 ^ mixed >> 29 }
        return UInt32(truncatingIfNeeded: mixed >> 32)
    }
}
