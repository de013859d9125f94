// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A distribution over fixed buckets.
///
/// An observation costs a binary search over the bounds, one relaxed add and one compare-and-swap. Safe from any
/// thread; a scrape during an observation may see its bucket before its sum.
public final class Histogram: @unchecked Sendable {
    /// Upper bounds, inclusive, finite, growing. A last bucket without a bound follows them.
    public let bounds: [Double]

    // Unchecked because of this pointer. It is set once, points to `bounds.count + 1` initialised atomics until
    // `deinit`, and is only ever reached through them.
    private let counts: UnsafeMutablePointer<Atomic<UInt64>>
    private let sumBits = Atomic<UInt64>(Double(0).bitPattern)

    /// - Parameter bounds: In any order; what is repeated or not finite is left out.
    init(bounds: [Double]) {
        self.bounds = Set(bounds.filter(\.isFinite)).sorted()
        counts = .allocate(capacity: self.bounds.count + 1)
        for index in 0...self.bounds.count {
            (counts + index).initialize(to: Atomic(0))
        }
    }

    deinit {
        counts.deinitialize(count: bounds.count + 1)
        counts.deallocate()
    }

    /// Takes one observation, in the base unit that the metric's name states. What is not a number is ignored.
    public func observe(_ value: Double) {
        guard !value.isNaN else { return }
        counts[bucket(of: value)].wrappingAdd(1, ordering: .relaxed)
        sumBits.addDouble(value)
    }

    /// Takes a span of time, in seconds.
    public func observe(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        observe(Double(seconds) + Double(attoseconds) * 1e-18)
    }

    /// The observations so far: how many fell into each bucket (not cumulative), and their sum.
    var snapshot: (counts: [UInt64], sum: Double) {
        (
            (0...bounds.count).map { counts[$0].load(ordering: .relaxed) },
            Double(bitPattern: sumBits.load(ordering: .relaxed))
        )
    }

    private func bucket(of value: Double) -> Int {
        var low = 0
        var high = bounds.count
        while low < high {
            let middle = (low + high) / 2
            if value <= bounds[middle] { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// Bounds that suit what this product measures.
extension Histogram {
    /// Time a request takes: 100 µs to 30 s.
    public static let requestSeconds: [Double] = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
    ]
    /// How many items share something: 1 to 4,096 by powers of two.
    public static let batchSizes: [Double] = (0...12).map { Double(1 << $0) }
    /// Amounts whose scale is not known: 0.001 to 1,000,000 by powers of ten.
    public static let magnitudes: [Double] = [0.001, 0.01, 0.1, 1, 10, 100, 1000, 10_000, 100_000, 1_000_000]
}
