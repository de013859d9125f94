// SPDX-License-Identifier: Apache-2.0

/// How an endpoint comes to its full weight: in a straight line from a tenth, so that cold caches and connections are not met
/// by its whole share at once.
enum SlowStart {
    /// Percent of the weight, 10 to 100.
    ///
    /// - Parameters:
    ///   - start: when it began; 0 for long ago, later than `now` where it is still out.
    ///   - window: nanoseconds that it takes, above 0.
    static func percent(since start: UInt64, lasting window: UInt64, now: UInt64) -> Int {
        guard start > 0 else { return 100 }
        guard now > start else { return 10 }
        let elapsed = now - start
        return elapsed >= window ? 100 : max(10, Int(Double(elapsed) / Double(window) * 100))
    }
}
