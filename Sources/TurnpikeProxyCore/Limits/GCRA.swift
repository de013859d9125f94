// SPDX-License-Identifier: Apache-2.0

/// The generic cell rate algorithm (ITU-T I.371): `limit` requests an `interval` on average, `burst` at once after a pause.
///
/// All that it keeps of a subject is an instant, the same under every rate, so that a rate may change at any time and what was
/// taken stays taken. Instants count in 2⁻⁴⁸ ns in 128 bits. What a request takes, `interval / limit`, is rounded up to that:
/// a rate is too slow by less than a nanosecond in 2⁴⁸ requests. Decisions at whole nanoseconds come out as by exact
/// arithmetic for the first 131,072 requests of a subject that never pauses; later ones, up to a nanosecond late.
public struct GCRA: Sendable, Hashable {
    /// When the next request would arrive if all came evenly: all that is kept of a subject. Once it is past, the subject is as
    /// if never seen.
    public struct Arrival: Sendable, Hashable {
        /// In 2⁻⁴⁸ ns.
        var time: UInt128

        /// Of a subject not seen so far.
        public init() { time = 0 }

        init(time: UInt128) { self.time = time }
    }

    public enum Verdict: Sendable, Hashable {
        /// The arrival to keep from now on.
        case allowed(Arrival)
        /// Nanoseconds until a request would be allowed, at least 1.
        case refused(retryAfter: UInt64)
    }

    static let fractionBits: UInt128 = 48
    /// More than what rounding adds up to, less than what tells two instants apart at a limit of 10⁹.
    private static let slack: UInt128 = 1 << 17
    /// Nineteen million years: no burst can be worth more.
    private static let longestTolerance: UInt128 = 1 << 127

    /// What a request takes.
    let increment: UInt128
    /// By how much requests may come early: what the burst but one takes.
    private let tolerance: UInt128

    /// Values below 1 are taken as 1.
    ///
    /// - Parameter interval: nanoseconds.
    public init(limit: Int64, interval: Int64, burst: Int64) {
        let limit = UInt128(max(limit, 1))
        increment = ((UInt128(max(interval, 1)) << Self.fractionBits) + limit - 1) / limit
        let (early, overflows) = UInt128(max(burst, 1) - 1).multipliedReportingOverflow(by: increment)
        tolerance = overflows ? Self.longestTolerance : min(early + Self.slack, Self.longestTolerance)
    }

    /// Whether a request may pass at `now`, in nanoseconds of a clock that never goes back. Changes nothing.
    @inline(__always)
    public func decide(_ arrival: Arrival, now: UInt64) -> Verdict {
        let time = UInt128(now) << Self.fractionBits
        let expected = max(arrival.time, time)
        guard expected <= time + tolerance else {
            return .refused(retryAfter: Self.nanoseconds(expected - time - tolerance))
        }
        return .allowed(Arrival(time: expected + increment))
    }

    /// Requests that may still come at once.
    public func remaining(_ arrival: Arrival, now: UInt64) -> UInt64 {
        let time = UInt128(now) << Self.fractionBits
        let full = time + tolerance + increment
        guard arrival.time < full else { return 0 }
        return UInt64(clamping: (full - max(arrival.time, time)) / increment)
    }

    /// Nanoseconds until the whole burst is there again.
    public func resetAfter(_ arrival: Arrival, now: UInt64) -> UInt64 {
        let time = (UInt128(now) << Self.fractionBits) + Self.slack
        return arrival.time > time ? Self.nanoseconds(arrival.time - time) : 0
    }

    /// Rounded up.
    private static func nanoseconds(_ time: UInt128) -> UInt64 {
        UInt64(clamping: (time + (1 << fractionBits) - 1) >> fractionBits)
    }
}
