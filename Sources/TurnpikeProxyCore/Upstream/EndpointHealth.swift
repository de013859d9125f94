// SPDX-License-Identifier: Apache-2.0

/// What connecting to an endpoint has taught: one that could not be reached is left out for a second, then for twice as
/// long with each further failure, up to 30 seconds. The first connection that succeeds makes it whole.
public struct EndpointHealth: Sendable, Hashable {
    // Nanoseconds.
    static let firstPause: UInt64 = 1_000_000_000
    static let longestPause: UInt64 = 30_000_000_000

    private var failures: UInt64 = 0
    /// Until when it is left out; 0 for one that is not.
    private(set) var outUntil: UInt64 = 0
    /// When it came back, or will come back at the latest, the last time that it was out; 0 where it never was.
    private(set) var returnedAt: UInt64 = 0

    public init() {}

    public func isAvailable(now: UInt64) -> Bool { now >= outUntil }

    /// Several connections that fail at once are one failure: they say the same about the same moment.
    public mutating func connectFailed(now: UInt64) {
        guard isAvailable(now: now) else { return }
        let pause = min(Self.firstPause << min(failures, 5), Self.longestPause)
        outUntil = now + pause
        returnedAt = outUntil
        failures += 1
    }

    public mutating func connected(now: UInt64) {
        failures = 0
        outUntil = 0
        returnedAt = min(returnedAt, now)
    }
}
