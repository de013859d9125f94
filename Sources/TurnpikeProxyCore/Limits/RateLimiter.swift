// SPDX-License-Identifier: Apache-2.0

import Synchronization
public import TurnpikeModel

/// Whom a rate limit counts: a key, tenant or route by its id, or an address. The policy says which, so they never mix.
public struct RateLimitKey: Sendable, Hashable {
    public var policy: ResourceID
    public var subject: ResourceID

    public init(policy: ResourceID, subject: ResourceID) {
        self.policy = policy
        self.subject = subject
    }
}

/// What the rate limits of all event loops remember: a client gets its rate once, over however many loops its connections are
/// spread, and all of it on one.
///
/// Safe from any thread, and without a lock: a request is counted by one compare-and-swap, so that loops that count the same
/// subject at the same moment never let through more than the rate. A loop never waits for another.
///
/// Bounded, and keyed by ids, so that a new configuration with the same policies forgets nothing. The table consists of sets
/// of eight places; a keyed hash of policy and subject says which set, and tells the subjects in it apart. A subject that
/// finds no free place takes that of the one whose burst is whole soonest: as a rule, of one that is as if never seen. Where
/// there is none such, that one is given some of its burst early; with half of ``capacity`` in use that meets one subject in a
/// hundred. Where two loops first meet a subject at the same instant, and its set is full, one request may go uncounted. (Two
/// subjects with the same hash would be taken for one: among a million, a chance of 3 in 10⁸.)
public final class RateLimiter: @unchecked Sendable {
    // Invariant: both tables are allocated as long as the object lives, and touched atomically only.
    //
    // A place belongs to the subject whose tag it holds. Its arrival counts for a subject only where the tag is read, the
    // arrival after it, and the same tag again after that. Whoever takes a place from a subject first puts `changing` in the
    // place of the tag, then an arrival that no other can be mistaken for, and its own tag last; so a count that was begun
    // for the former subject fails. Places that were never used hold zeros, which is also the arrival of a newcomer.

    private static let ways = 8
    private static let free: UInt64 = 0
    private static let changing: UInt64 = 1

    /// Subjects kept at most.
    public let capacity: Int
    private let lastSet: UInt64
    private let hash: SubjectHash
    private let tags: ZeroedTable<UInt64>
    private let arrivals: ZeroedTable<UInt128>

    /// - Parameters:
    ///   - capacity: rounded down to a power of two, at least 8. Default 524,288, which is 12 MiB when full; memory is taken
    ///     as subjects come.
    ///   - seed: random, so that nobody can choose addresses that collide.
    public init(capacity: Int = 1 << 19, seed: UInt64 = .random(in: .min ... .max)) {
        let wanted = UInt64(max(capacity, Self.ways) / Self.ways)
        let sets = UInt64(1) << UInt64(63 - wanted.leadingZeroBitCount)
        lastSet = sets - 1
        self.capacity = Int(sets) * Self.ways
        hash = SubjectHash(seed: seed)
        tags = ZeroedTable(count: self.capacity)
        arrivals = ZeroedTable(count: self.capacity)
    }

    // MARK: - Counting

    /// Whether a request may pass. Counts nothing, and remembers nobody.
    public func check(_ key: RateLimitKey, _ rate: GCRA, now: UInt64) -> GCRA.Verdict {
        rate.decide(arrival(of: key) ?? GCRA.Arrival(), now: now)
    }

    /// Counts a request, where it may pass.
    public func take(_ key: RateLimitKey, _ rate: GCRA, now: UInt64) -> GCRA.Verdict {
        let tag = tag(of: key)
        while true {
            // Eight loops are at work on eight newcomers of one set: this one passes without being counted.
            guard let place = place(for: tag, now: now) else { return rate.decide(GCRA.Arrival(), now: now) }
            var known = arrivals[place].load(ordering: .acquiring)
            while tags[place].load(ordering: .acquiring) == tag {
                let verdict = rate.decide(GCRA.Arrival(time: known), now: now)
                guard case .allowed(let next) = verdict else { return verdict }
                let (isTaken, found) = arrivals[place].compareExchange(
                    expected: known, desired: next.time, ordering: .acquiringAndReleasing)
                if isTaken { return verdict }
                known = found
            }
        }
    }

    /// Undoes a ``take(_:_:now:)`` of a moment ago: another limit has refused the request.
    public func giveBack(_ key: RateLimitKey, _ rate: GCRA) {
        let tag = tag(of: key)
        guard let place = place(of: tag) else { return }
        var known = arrivals[place].load(ordering: .acquiring)
        while known >= rate.increment, tags[place].load(ordering: .acquiring) == tag {
            let (isDone, found) = arrivals[place].compareExchange(
                expected: known, desired: known - rate.increment, ordering: .acquiringAndReleasing)
            if isDone { return }
            known = found
        }
    }

    // MARK: - Looking

    /// Requests that may still come at once, and nanoseconds until the whole burst is there; `nil` where nothing is remembered
    /// of the subject, whose whole burst is there then.
    public func state(_ key: RateLimitKey, _ rate: GCRA, now: UInt64) -> (remaining: UInt64, resetAfter: UInt64)? {
        arrival(of: key).map { (rate.remaining($0, now: now), rate.resetAfter($0, now: now)) }
    }

    /// Subjects that have a place. Looks at all of them: for tests.
    var count: Int { (0..<capacity).count { tags[$0].load(ordering: .relaxed) > Self.changing } }

    private func arrival(of key: RateLimitKey) -> GCRA.Arrival? {
        let tag = tag(of: key)
        guard let place = place(of: tag) else { return nil }
        let time = arrivals[place].load(ordering: .acquiring)
        return tags[place].load(ordering: .acquiring) == tag ? GCRA.Arrival(time: time) : nil
    }

    // MARK: - Places

    private func tag(of key: RateLimitKey) -> UInt64 {
        let tag = hash(key)
        return tag > Self.changing ? tag : tag + 2
    }

    private func places(of tag: UInt64) -> Range<Int> {
        let first = Int(tag & lastSet) * Self.ways
        return first..<first + Self.ways
    }

    /// Places are taken in order and never become free again, so that nobody has one behind a free one.
    private func place(of tag: UInt64) -> Int? {
        for place in places(of: tag) {
            let other = tags[place].load(ordering: .acquiring)
            if other == tag { return place }
            if other == Self.free { return nil }
        }
        return nil
    }

    /// The subject's place, or one that it gets. `nil` where all are being changed.
    private func place(for tag: UInt64, now: UInt64) -> Int? {
        while true {
            var victim: (place: Int, tag: UInt64, arrival: UInt128)?
            for place in places(of: tag) {
                var other = tags[place].load(ordering: .acquiring)
                if other == Self.free {
                    let (isTaken, found) = tags[place].compareExchange(
                        expected: Self.free, desired: tag, ordering: .acquiringAndReleasing)
                    if isTaken { return place }
                    other = found
                }
                if other == tag { return place }
                guard other != Self.changing else { continue }
                let arrival = arrivals[place].load(ordering: .relaxed)
                if arrival < victim?.arrival ?? .max { victim = (place, other, arrival) }
            }
            guard let victim else { return nil }
            let isTaken = tags[victim.place].compareExchange(
                expected: victim.tag, desired: Self.changing, ordering: .acquiringAndReleasing
            ).exchanged
            guard isTaken else { continue }
            // As good as zero, and unlike what any other subject has had here.
            arrivals[victim.place].store(UInt128(now) << GCRA.fractionBits, ordering: .releasing)
            tags[victim.place].store(tag, ordering: .releasing)
            return victim.place
        }
    }
}
