// SPDX-License-Identifier: Apache-2.0

/// Small numbers that stand for things that come and go: each is given out once until it is given back.
struct SlotAllocator: Sendable {
    private var free: [Int] = []
    private var next = 0

    mutating func take() -> Int {
        if let slot = free.popLast() { return slot }
        next += 1
        return next - 1
    }

    mutating func giveBack(_ slot: Int) { free.append(slot) }
}
