// SPDX-License-Identifier: Apache-2.0

/// Names a timer of a ``TimerWheel`` until it is removed or was due; then it may name another.
struct TimerID: Hashable { fileprivate let index: Int32 }

/// Deadlines, and what is due at each: a hierarchical wheel. Adding and removing cost the same however many there are, and
/// finding the next looks at six words.
///
/// Time is in ticks, of whatever length. The first level's 64 slots hold the deadlines of the 64 ticks around now, one tick
/// a slot; each further level's slots hold 64 times as many. A slot of a higher level whose time comes is spread over the
/// levels below. What lies further ahead than that (two years of milliseconds) waits on the
/// highest level for another turn of the wheel.
struct TimerWheel<Payload> {
    private struct Node {
        var deadline: UInt64
        var list: Int16
        var previous: Int32 = TimerWheel.none
        var next: Int32 = TimerWheel.none
        var payload: Payload?
    }

    private static var none: Int32 { -1 }
    private static var levels: Int { 6 }
    /// The list behind those of all slots.
    private static var dueList: Int { levels * 64 }

    private var nodes: [Node] = []
    private var free: [Int32] = []
    private var heads: [Int32]
    /// Which slots of each level hold anything.
    private var occupied: [UInt64]
    /// All before this tick, and it, has been dealt with.
    private var elapsed: UInt64

    /// Timers that are set.
    private(set) var count = 0

    init(now: UInt64) {
        elapsed = now
        heads = Array(repeating: Self.none, count: Self.dueList + 1)
        occupied = Array(repeating: 0, count: Self.levels)
    }

    mutating func add(_ payload: Payload, at deadline: UInt64) -> TimerID {
        let index: Int32
        if let recycled = free.popLast() {
            index = recycled
            nodes[Int(index)] = Node(deadline: deadline, list: 0, payload: payload)
        } else {
            index = Int32(nodes.count)
            nodes.append(Node(deadline: deadline, list: 0, payload: payload))
        }
        count += 1
        link(index)
        return TimerID(index: index)
    }

    mutating func remove(_ id: TimerID) {
        unlink(id.index)
        release(id.index)
    }

    /// The first tick at which there is, or may be, something to do; nil where nothing is set.
    var next: UInt64? {
        if heads[Self.dueList] != Self.none { return elapsed }
        return nextSlot?.start
    }

    /// Takes one of those that are due, in the order of their deadlines, those of one tick in any; nil where
    /// there is none left.
    mutating func takeDue(now: UInt64) -> Payload? {
        while true {
            let due = heads[Self.dueList]
            if due != Self.none {
                let payload = nodes[Int(due)].payload
                unlink(due)
                release(due)
                return payload
            }
            guard let slot = nextSlot, slot.start <= now else {
                elapsed = max(elapsed, now)
                return nil
            }
            elapsed = max(elapsed, slot.start)
            spread(slot.list)
        }
    }

    // MARK: - Slots

    /// The slot whose time comes first. Whatever lies on a lower level comes before all that lies on a higher one.
    private var nextSlot: (list: Int, start: UInt64)? {
        for level in 0..<Self.levels where occupied[level] != 0 {
            let width = UInt64(6 * level)
            let current = (elapsed >> width) & 63
            let ahead = UInt64(
                (occupied[level] >> current | occupied[level] << ((64 - current) & 63)).trailingZeroBitCount)
            let slot = (current + ahead) & 63
            var start = (elapsed >> (width + 6)) << (width + 6) + slot << width
            // Only on the highest level: the slot belongs to the next turn of the wheel.
            if start + (1 << width) <= elapsed { start += 64 << width }
            return (level * 64 + Int(slot), start)
        }
        return nil
    }

    private mutating func spread(_ list: Int) {
        var index = heads[list]
        while index != Self.none {
            let next = nodes[Int(index)].next
            unlink(index)
            link(index)
            index = next
        }
    }

    private func list(for deadline: UInt64) -> Int {
        guard deadline > elapsed else { return Self.dueList }
        // The highest level turns: 63 of its slots lie ahead, and the 64th is the present one.
        let deadline = min(deadline, elapsed + 63 << UInt64(6 * (Self.levels - 1)))
        // The level is that of the highest digit, to the base of 64, in which the deadline differs from now.
        let level = min((63 - ((deadline ^ elapsed) | 63).leadingZeroBitCount) / 6, Self.levels - 1)
        return level * 64 + Int((deadline >> UInt64(6 * level)) & 63)
    }

    private mutating func link(_ index: Int32) {
        let list = list(for: nodes[Int(index)].deadline)
        let head = heads[list]
        nodes[Int(index)].list = Int16(list)
        nodes[Int(index)].previous = Self.none
        nodes[Int(index)].next = head
        if head != Self.none { nodes[Int(head)].previous = index }
        heads[list] = index
        if list < Self.dueList { occupied[list / 64] |= 1 << UInt64(list % 64) }
    }

    private mutating func unlink(_ index: Int32) {
        let node = nodes[Int(index)]
        let list = Int(node.list)
        if node.previous == Self.none {
            heads[list] = node.next
            if node.next == Self.none, list < Self.dueList { occupied[list / 64] &= ~(1 << UInt64(list % 64)) }
        } else {
            nodes[Int(node.previous)].next = node.next
        }
        if node.next != Self.none { nodes[Int(node.next)].previous = node.previous }
    }

    private mutating func release(_ index: Int32) {
        nodes[Int(index)].payload = nil
        free.append(index)
        count -= 1
    }
}
