// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A value that goes up and down, such as the number of open connections. Starts at zero.
///
/// Safe from any thread. `set` is one relaxed store; `add` is one compare-and-swap unless others write meanwhile.
public final class Gauge: Sendable {
    private let bits = Atomic<UInt64>(Double(0).bitPattern)

    init() {}

    /// The value last set, with what was added since.
    public var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    public func set(_ value: Double) {
        bits.store(value.bitPattern, ordering: .relaxed)
    }

    public func set(_ value: some BinaryInteger) {
        set(Double(value))
    }

    /// Adds `amount`, which may be negative. No addition is lost when threads add at once.
    public func add(_ amount: Double) {
        bits.addDouble(amount)
    }
}

extension Atomic<UInt64> {
    /// Adds to the `Double` whose bit pattern this holds.
    func addDouble(_ amount: Double) {
        var current = load(ordering: .relaxed)
        while true {
            let sum = Double(bitPattern: current) + amount
            let (exchanged, original) = weakCompareExchange(
                expected: current,
                desired: sum.bitPattern,
                ordering: .relaxed
            )
            if exchanged { return }
            current = original
        }
    }
}
