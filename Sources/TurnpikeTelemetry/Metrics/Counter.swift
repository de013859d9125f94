// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A count that only grows, from zero at process start.
///
/// Keep the handle and increment through it: a look-up in the registry takes a lock, an increment does not.
/// Safe from any thread.
public final class Counter: Sendable {
    private let count = Atomic<UInt64>(0)

    init() {}

    /// Adds `amount`: one relaxed atomic add, wrapping after 2^64 - 1.
    public func increment(by amount: UInt64 = 1) {
        count.wrappingAdd(amount, ordering: .relaxed)
    }

    /// The count so far.
    public var value: UInt64 { count.load(ordering: .relaxed) }

    /// Starts again from zero. Prometheus takes a count that fell for a restarted process.
    func reset() {
        count.store(0, ordering: .relaxed)
    }
}
