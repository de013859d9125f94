// SPDX-License-Identifier: Apache-2.0

/// How long an upstream may say nothing at all while it is asked for something, until it is asked whether it is there, and how long
/// it may take to answer that. Without, a connection whose other end is gone would get all requests until TCP gives it up.
public struct HTTP2Silence: Sendable, Hashable {
    /// Nanoseconds. Default 10 s.
    public var untilPing: UInt64
    /// Nanoseconds. Longer than any pause of a program that is well. Default 20 s.
    public var untilGone: UInt64
    /// Nanoseconds from one ping to the next while no answer begins or ends: servers of gRPC send clients away that ask
    /// more often than every five minutes. Default 5 min.
    public var betweenPings: UInt64

    public init(
        untilPing: UInt64 = 10_000_000_000, untilGone: UInt64 = 20_000_000_000, betweenPings: UInt64 = 300_000_000_000
    ) {
        self.untilPing = untilPing
        self.untilGone = untilGone
        self.betweenPings = betweenPings
    }
}

/// Watches over one connection for silence: events and the time go in, what is to be done comes out.
public struct HTTP2SilenceWatch: Sendable {
    public enum Verdict: Sendable { case fine, ping, gone }

    private let silence: HTTP2Silence
    /// Since when something is waited for: the later of what was heard last, and the beginning of the first stream there is.
    private var waitsSince: UInt64?
    /// A ping whose answer is waited for.
    private var pingedAt: UInt64?
    /// When the last ping was sent behind which no answer has begun or ended.
    private var lastPing: UInt64?

    public init(_ silence: HTTP2Silence) { self.silence = silence }

    /// When to ask for a verdict. In nanoseconds of the clock by which events are told.
    public var deadline: UInt64 {
        if let pingedAt { return pingedAt.addingClamped(silence.untilGone) }
        guard let waitsSince else { return .max }
        return max(
            waitsSince.addingClamped(silence.untilPing), lastPing.map { $0.addingClamped(silence.betweenPings) } ?? 0)
    }

    /// Something has come, whatever it is: the upstream is there.
    public mutating func heard(now: UInt64) {
        pingedAt = nil
        if waitsSince != nil { waitsSince = now }
    }

    /// It has begun or ended an answer.
    public mutating func answered() { lastPing = nil }

    /// A first stream was begun, or the last one has ended.
    public mutating func waits(_ waits: Bool, now: UInt64) {
        if !waits { (waitsSince, pingedAt) = (nil, nil) } else if waitsSince == nil { waitsSince = now }
    }

    public mutating func judge(now: UInt64) -> Verdict {
        guard now >= deadline else { return .fine }
        guard pingedAt == nil else { return .gone }
        (pingedAt, lastPing) = (now, now)
        return .ping
    }
}
