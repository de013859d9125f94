// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// Whom a rate limit counts: a key, tenant or route by its id, or an address. The policy says which, so they never mix.
public struct RateLimitKey: Sendable, Hashable {
    public var policy: ResourceID
    public var subject: ResourceID

    public init(policy: ResourceID, subject: ResourceID) {
        self.policy = policy
        self.subject = subject
    }

    /// The low halves tell nearly all apart: they are random in ids, and `==` looks at the rest.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(policy.low)
        hasher.combine(subject.low ^ subject.high)
    }
}

/// What all rate limits of one event loop remember.
///
/// Keyed by ids, so that a new configuration with the same policies forgets nothing. Bounded: subjects whose burst is whole
/// again are dropped, two looked at with each new one; if the table is full of others, the one of sixteen that would be
/// whole soonest makes room, which at worst gives that subject some of its burst early.
public struct RateLimiter: Sendable {
    private struct Entry: Sendable {
        var arrival: GCRA.Arrival
        var rate: GCRA
    }

    /// Subjects kept at most.
    public let capacity: Int
    private var entries = SlotTable<RateLimitKey, Entry>()

    /// - Parameter capacity: at least 1; default 262,144, which is some 30 MB when full.
    public init(capacity: Int = 1 << 18) { self.capacity = max(capacity, 1) }

    public var count: Int { entries.count }

    /// Whether a request may pass. Counts nothing: a request has to pass several limits, and takes from all or none.
    public func check(_ key: RateLimitKey, _ rate: GCRA, now: UInt64) -> GCRA.Verdict {
        rate.decide(arrival(key, rate), now: now)
    }

    /// Counts a request that may pass.
    public mutating func count(_ key: RateLimitKey, _ rate: GCRA, now: UInt64) {
        guard let position = entries.position(of: key) else {
            guard case .allowed(let arrival) = rate.decide(GCRA.Arrival(), now: now) else { return }
            makeRoom(now: now)
            _ = entries.insert(key, Entry(arrival: arrival, rate: rate))
            return
        }
        let entry = entries[position]
        let known = entry.rate == rate ? entry.arrival : rate.converted(entry.arrival, from: entry.rate)
        guard case .allowed(let arrival) = rate.decide(known, now: now) else { return }
        entries[position] = Entry(arrival: arrival, rate: rate)
    }

    /// Requests that may still come at once, and nanoseconds until the whole burst is there.
    public func state(_ key: RateLimitKey, _ rate: GCRA, now: UInt64) -> (remaining: UInt64, resetAfter: UInt64) {
        let arrival = arrival(key, rate)
        return (rate.remaining(arrival, now: now), rate.resetAfter(arrival, now: now))
    }

    /// The same by the rate that the subject was last counted by; `nil` where nothing is remembered of it.
    public func state(_ key: RateLimitKey, now: UInt64) -> (remaining: UInt64, resetAfter: UInt64)? {
        entries.position(of: key).map { position in
            let entry = entries[position]
            return (entry.rate.remaining(entry.arrival, now: now), entry.rate.resetAfter(entry.arrival, now: now))
        }
    }

    private func arrival(_ key: RateLimitKey, _ rate: GCRA) -> GCRA.Arrival {
        guard let position = entries.position(of: key) else { return GCRA.Arrival() }
        let entry = entries[position]
        return entry.rate == rate ? entry.arrival : rate.converted(entry.arrival, from: entry.rate)
    }

    private mutating func makeRoom(now: UInt64) {
        for _ in 0..<2 {
            guard let position = entries.nextSwept() else { return }
            if entries[position].rate.isForgettable(entries[position].arrival, now: now) {
                entries.remove(at: position)
            }
        }
        guard entries.count >= capacity else { return }
        var soonest: (position: Int, resetAfter: UInt64)?
        for _ in 0..<16 {
            guard let position = entries.nextSwept() else { break }
            let resetAfter = entries[position].rate.resetAfter(entries[position].arrival, now: now)
            if resetAfter < soonest?.resetAfter ?? .max { soonest = (position, resetAfter) }
        }
        entries.remove(at: soonest?.position ?? 0)
    }
}
