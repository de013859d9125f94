// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

/// A timer for a deadline that moves with nearly every event. One that moved away leaves the timer as it is: it comes too early
/// once, and is then set again.
struct MovingTimer {
    private var timer: TimerID?
    /// When it is due; `.max` where there is none.
    private var due = UInt64.max

    /// It is to be set anew for a deadline that came this near.
    func isDue(after deadline: UInt64) -> Bool { deadline < due }

    mutating func set(at deadline: UInt64, for owner: any TimerOwner, on loop: EpollLoop) {
        guard isDue(after: deadline) else { return }
        cancel(on: loop)
        timer = loop.setTimer(for: owner, at: deadline)
        due = deadline
    }

    mutating func cancel(on loop: EpollLoop) {
        if let timer { loop.cancel(timer) }
        fired()
    }

    /// The owner was told.
    mutating func fired() {
        timer = nil
        due = .max
    }
}

#endif
