// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How many clients a loop has, or is about to have: what new ones are given out by. Safe from any thread.
final class LoopLoad: Sendable {
    private let clients = Atomic<Int>(0)

    var count: Int { clients.load(ordering: .relaxed) }
    func arrived() { clients.wrappingAdd(1, ordering: .relaxed) }
    func left() { clients.wrappingSubtract(1, ordering: .relaxed) }
}

/// Whose turn it is to be given a client.
struct LoopTurn {
    private var next = 0

    /// The place of the loop that has the fewest clients; of several such, they take turns.
    mutating func pick(_ loads: some RandomAccessCollection<LoopLoad>) -> Int {
        var best = (place: 0, count: Int.max)
        for step in 0..<loads.count {
            let place = (next + step) % loads.count
            let count = loads[loads.index(loads.startIndex, offsetBy: place)].count
            if count < best.count { best = (place, count) }
        }
        next = (best.place + 1) % loads.count
        return best.place
    }
}

/// A gateway's client connections, over all of its loops and listeners. Safe from any thread.
final class ClientCount: Sendable {
    private let limit: Int
    private let open = Atomic<Int>(0)

    init(limit: Int) { self.limit = limit }

    /// - Returns: whether there is room for one more, which is counted then.
    func enter() -> Bool {
        if open.wrappingAdd(1, ordering: .relaxed).newValue <= limit { return true }
        leave()
        return false
    }

    func leave() { open.wrappingSubtract(1, ordering: .relaxed) }
}
