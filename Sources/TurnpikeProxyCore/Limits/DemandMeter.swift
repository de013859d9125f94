// SPDX-License-Identifier: Apache-2.0

/// Units a second, by two windows of a second: quick to see demand rise, and a second later to see it fall.
struct DemandMeter: Sendable {
    private static let window: UInt64 = 1_000_000_000

    private var windowStart: UInt64 = 0
    private var current: Int64 = 0
    private var previous: Int64 = 0

    mutating func add(_ units: Int64, now: UInt64) {
        roll(now)
        current += units
    }

    mutating func unitsPerSecond(now: UInt64) -> Int64 {
        roll(now)
        return max(current, previous)
    }

    private mutating func roll(_ now: UInt64) {
        let elapsed = now >= windowStart ? now - windowStart : 0
        guard elapsed >= Self.window else { return }
        previous = elapsed < 2 * Self.window ? current : 0
        current = 0
        windowStart = elapsed < 2 * Self.window ? windowStart + Self.window : now
    }
}
