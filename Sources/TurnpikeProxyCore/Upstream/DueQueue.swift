// SPDX-License-Identifier: Apache-2.0

/// Something whose turn comes at a time. In one queue at most.
class DueEntry {
    /// Nanoseconds.
    fileprivate(set) var due = UInt64.max
    fileprivate var place: Int?

    var isQueued: Bool { place != nil }
}

/// Entries by the time at which their turn comes: a binary heap in which every entry knows its place, so that what is moved or
/// taken out leaves nothing behind.
struct DueQueue<Entry: DueEntry> {
    private var heap: [Entry] = []

    var count: Int { heap.count }
    /// When the first turn comes; nil where nobody waits.
    var next: UInt64? { heap.first?.due }

    /// Puts an entry in, or moves it.
    mutating func schedule(_ entry: Entry, at due: UInt64) {
        entry.due = due
        let place: Int
        if let known = entry.place {
            place = known
        } else {
            place = heap.count
            entry.place = place
            heap.append(entry)
        }
        settle(place)
    }

    mutating func remove(_ entry: Entry) {
        guard let place = entry.place else { return }
        entry.place = nil
        let last = heap.removeLast()
        guard last !== entry else { return }
        put(last, at: place)
        settle(place)
    }

    /// Takes out the entry whose turn came first, if it has come.
    mutating func takeDue(now: UInt64) -> Entry? {
        guard let first = heap.first, first.due <= now else { return nil }
        remove(first)
        return first
    }

    private mutating func settle(_ place: Int) {
        var place = place
        while place > 0, heap[place].due < heap[(place - 1) / 2].due {
            exchange(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
        while let child = lesserChild(of: place), heap[child].due < heap[place].due {
            exchange(place, child)
            place = child
        }
    }

    private func lesserChild(of place: Int) -> Int? {
        let (left, right) = (2 * place + 1, 2 * place + 2)
        guard left < heap.count else { return nil }
        return right < heap.count && heap[right].due < heap[left].due ? right : left
    }

    private mutating func exchange(_ one: Int, _ other: Int) {
        let entry = heap[one]
        put(heap[other], at: one)
        put(entry, at: other)
    }

    private mutating func put(_ entry: Entry, at place: Int) {
        heap[place] = entry
        entry.place = place
    }
}

extension UInt64 {
    /// The duration, give or take a tenth, so that what begins together does not stay together.
    func jittered(_ random: inout RandomSource) -> UInt64 {
        let tenth = self / 10
        return self - tenth + UInt64.random(in: 0...(2 * tenth), using: &random)
    }
}
