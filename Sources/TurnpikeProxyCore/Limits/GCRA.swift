// SPDX-License-Identifier: Apache-2.0

/// The generic cell rate algorithm (ITU-T I.371) in exact integers: `limit` requests an `interval` on average, `burst` at
/// once after a pause.
///
/// One request takes `interval / limit`, which is seldom a whole number of nanoseconds. All times here are therefore counted
/// in *ticks* of `1 / limit` nanoseconds, of which a request takes exactly `interval`: nothing is rounded, and a rate does
/// not drift however long it runs. 128 bits hold every tick of 292 years at the highest limit.
public struct GCRA: Sendable, Hashable {
    /// Ticks a nanosecond: requests in an interval.
    let limit: UInt64
    /// Ticks a request takes: the interval in nanoseconds.
    let interval: UInt64
    /// Ticks by which requests may come early: `(burst - 1) * interval`.
    private let tolerance: UInt128

    /// Values below 1 are taken as 1.
    ///
    /// - Parameter interval: nanoseconds.
    public init(limit: Int64, interval: Int64, burst: Int64) {
        self.limit = UInt64(max(limit, 1))
        self.interval = UInt64(max(interval, 1))
        tolerance = UInt128(UInt64(max(burst, 1)) - 1) * UInt128(self.interval)
    }

    /// When the next request would arrive if all came evenly: all that is kept of a subject, in ticks.
    public struct Arrival: Sendable, Hashable {
        var ticks: UInt128

        /// Of a subject not seen so far.
        public init() { ticks = 0 }

        init(ticks: UInt128) { self.ticks = ticks }
    }

    public enum Verdict: Sendable, Hashable {
        /// The arrival to keep from now on.
        case allowed(Arrival)
        /// Nanoseconds until a request would be allowed, at least 1.
        case refused(retryAfter: UInt64)
    }

    /// Whether a request may pass at `now`, in nanoseconds of a clock that never goes back. Changes nothing.
    @inline(__always)
    public func decide(_ arrival: Arrival, now: UInt64) -> Verdict {
        let ticks = UInt128(now) * UInt128(limit)
        let expected = max(arrival.ticks, ticks)
        guard expected <= ticks + tolerance else {
            return .refused(retryAfter: wholeNanoseconds(expected - ticks - tolerance))
        }
        return .allowed(Arrival(ticks: expected + UInt128(interval)))
    }

    /// Requests that may still come at once.
    public func remaining(_ arrival: Arrival, now: UInt64) -> UInt64 {
        let ticks = UInt128(now) * UInt128(limit)
        let full = ticks + tolerance + UInt128(interval)
        guard arrival.ticks < full else { return 0 }
        return UInt64(clamping: (full - max(arrival.ticks, ticks)) / UInt128(interval))
    }

    /// Nanoseconds until the whole burst is there again.
    public func resetAfter(_ arrival: Arrival, now: UInt64) -> UInt64 {
        let ticks = UInt128(now) * UInt128(limit)
        return arrival.ticks > ticks ? wholeNanoseconds(arrival.ticks - ticks) : 0
    }

    /// Whether a subject is as if never seen, so that it need not be kept.
    func isForgettable(_ arrival: Arrival, now: UInt64) -> Bool { arrival.ticks <= UInt128(now) * UInt128(limit) }

    /// An arrival kept under another rate, in ticks of this one; never earlier than it was.
    func converted(_ arrival: Arrival, from other: GCRA) -> Arrival {
        guard other.limit != limit else { return arrival }
        return Arrival(ticks: (arrival.ticks / UInt128(other.limit) + 1) * UInt128(limit))
    }

    private func wholeNanoseconds(_ ticks: UInt128) -> UInt64 {
        UInt64(clamping: (ticks + UInt128(limit) - 1) / UInt128(limit))
    }
}
