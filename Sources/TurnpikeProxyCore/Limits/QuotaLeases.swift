// SPDX-License-Identifier: Apache-2.0

public import TurnpikeMetering
public import TurnpikeModel
public import TurnpikeSnapshot

/// A quota as requests meet it.
public struct QuotaRule: Sendable, Hashable {
    public var id: ResourceID
    /// Never exceeded; otherwise counted and let through.
    public var isHard: Bool

    public init(id: ResourceID, isHard: Bool) {
        self.id = id
        self.isHard = isHard
    }
}

/// The leases of one event loop: slices of quotas that the control plane has granted, and what was spent of them.
///
/// What was granted is all that a hard quota lets pass. Leases are renewed ahead of demand; when to ask is decided here,
/// who asks is the transport's business: it collects ``wants(now:)`` and brings back ``take(_:wall:now:)`` or
/// ``failed(_:now:)``. Where a worker has several loops, one whose lease is empty borrows of the others. Times are nanoseconds of a clock that never goes back, and wall-clock time for periods only.
public struct QuotaLeases: Sendable {
    public struct Key: Sendable, Hashable {
        public var quota: ResourceID
        public var subject: ResourceID

        public init(quota: ResourceID, subject: ResourceID) {
            self.quota = quota
            self.subject = subject
        }

        public func hash(into hasher: inout Hasher) {
            // Both are random, and made by the control plane.
            hasher.combine(quota.low &* 0x9E37_79B9_7F4A_7C15 ^ subject.low)
        }
    }

    public enum Availability: Sendable, Hashable {
        case allowed
        /// Nothing is left until then.
        case exhausted(periodStart: Timestamp, resetAt: Timestamp)
        /// Not known to be spent, but nothing is granted: worth a short wait.
        case needsGrant
    }

    /// What is to be recorded, if anything.
    public struct Posting: Sendable, Hashable {
        public var key: LeaseKey
        public var units: Int64
    }

    // Nanoseconds.
    static let shortestAskInterval: UInt64 = 5_000_000
    static let exhaustedAskInterval: UInt64 = 1_000_000_000
    static let idleTime: UInt64 = 60_000_000_000
    /// An answer that has not come by then is taken for lost. If it comes yet, it still counts: it is a running total.
    static let longestAsk: UInt64 = 10_000_000_000

    /// Allowances kept at most.
    public let capacity: Int
    var leases = SlotTable<Key, QuotaLease>()
    /// Leases that want a grant, in the order in which they began to; may hold some that no longer do.
    private var low: [Key] = []
    private var isListed: Set<Key> = []
    /// Whether there are other loops to borrow of. Default false.
    public var mayBorrow = false
    /// Leases that lack units, which other loops have not been asked for yet.
    var lacking: [Key] = []

    /// - Parameter capacity: at least 1; default 1,048,576.
    public init(capacity: Int = 1 << 20) { self.capacity = max(capacity, 1) }

    public var count: Int { leases.count }

    /// Whether there may be something to ask: cheap enough to look at after every request.
    public var mayWant: Bool { !low.isEmpty }

    // MARK: - Spending

    /// Whether units may be spent. Spends nothing: a request has to pass several quotas, and spends on all or none.
    public mutating func availability(
        _ rule: QuotaRule, _ subject: ResourceID, units: Int64, wall: Timestamp, now: UInt64
    )
        -> Availability
    {
        guard let position = position(Key(quota: rule.id, subject: subject)) else { return .needsGrant }
        leases[position].rollOver(wall: wall)
        leases[position].lastSpent = now
        if leases[position].isLow { enlist(position, now: now) }
        let lease = leases[position]
        if !rule.isHard || (lease.period != nil && lease.spendable >= units) { return .allowed }
        // Demand that goes unmet is demand all the same: it decides how large the next grant is.
        leases[position].demand.add(units, now: now)
        if mayBorrow, lack(units, at: position, now: now) { return .needsGrant }
        if lease.isExhausted, let period = lease.period {
            return .exhausted(periodStart: period.start, resetAt: period.end)
        }
        return .needsGrant
    }

    /// Spends what ``availability(_:_:units:wall:now:)`` has just allowed.
    ///
    /// - Returns: what is to be recorded; nil while a soft quota's period is not known, which is made up for later, and for what
    ///   was borrowed, which the lender has recorded.
    public mutating func spend(_ rule: QuotaRule, _ subject: ResourceID, units: Int64, now: UInt64) -> Posting? {
        guard let position = position(Key(quota: rule.id, subject: subject)) else { return nil }
        leases[position].demand.add(units, now: now)
        guard let period = leases[position].period else {
            if !rule.isHard { leases[position].owe(units) }
            return nil
        }
        guard !rule.isHard || leases[position].spendable >= units else { return nil }
        let own = leases[position].spend(units)
        if leases[position].isLow { enlist(position, now: now) }
        return own > 0 ? posting(leases.keys[position], period, own) : nil
    }

    // MARK: - Asking

    /// What to ask the control plane for, at most `LeaseRequest.maximumWants` at a time. Each lease has one ask under way.
    public mutating func wants(now: UInt64) -> [LeaseRequest.Want] {
        var wants: [LeaseRequest.Want] = []
        var waiting: [Key] = []
        for key in low {
            guard let position = leases.position(of: key), leases[position].isLow,
                !leases[position].isAsking(now: now)
            else {
                isListed.remove(key)
                continue
            }
            guard now >= leases[position].askAfter, wants.count < LeaseRequest.maximumWants else {
                waiting.append(key)
                continue
            }
            isListed.remove(key)
            leases[position].askEnds = now + Self.longestAsk
            wants.append(
                LeaseRequest.Want(
                    quota: key.quota, subject: key.subject, demand: leases[position].demand.unitsPerSecond(now: now),
                    held: max(leases[position].remaining, 0)
                ))
        }
        low = waiting
        return wants
    }

    /// When ``wants(now:)`` may have something that it has not now; nil where nothing is low.
    public var nextAsk: UInt64? {
        low.compactMap { key in leases.position(of: key).map { leases[$0].askAfter } }.min()
    }

    /// Takes the answer to `wants`. Those that it leaves out, whose quota is gone perhaps, are asked for again later.
    ///
    /// - Returns: what soft quotas owed.
    public mutating func take(
        _ grants: [LeaseGrant], for wants: [LeaseRequest.Want], wall: Timestamp, now: UInt64
    ) -> [Posting] {
        var postings: [Posting] = []
        for grant in grants {
            let key = Key(quota: grant.key.quota, subject: grant.key.subject)
            guard let position = leases.position(of: key) else { continue }
            let owed = leases[position].take(grant, wall: wall)
            if owed > 0, let period = leases[position].period { postings.append(posting(key, period, owed)) }
            let pause = grant.isExhausted ? Self.exhaustedAskInterval : Self.shortestAskInterval
            settle(position, askAfter: now + pause, failures: 0)
        }
        failed(wants, now: now)
        return postings
    }

    /// The ask came to nothing: asked again with a growing pause, from 100 ms to 3.2 s.
    public mutating func failed(_ wants: [LeaseRequest.Want], now: UInt64) {
        for want in wants {
            let key = Key(quota: want.quota, subject: want.subject)
            guard let position = leases.position(of: key), leases[position].askEnds > 0 else { continue }
            let failures = min(leases[position].failures + 1, 6)
            settle(position, askAfter: now + 50_000_000 << UInt64(failures), failures: failures)
        }
    }

    private mutating func settle(_ position: Int, askAfter: UInt64, failures: Int) {
        leases[position].askEnds = 0
        leases[position].askAfter = askAfter
        leases[position].failures = failures
    }

    // MARK: - Giving back

    /// Looks at some leases and gives back what was not used for a minute. Call it about every second.
    ///
    /// - Returns: what is to be recorded as released.
    public mutating func releaseIdle(wall: Timestamp, now: UInt64, atMost batch: Int = 4096) -> [Posting] {
        var postings: [Posting] = []
        for _ in 0..<min(batch, leases.count) {
            guard let position = leases.nextSwept() else { break }
            leases[position].rollOver(wall: wall)
            let lease = leases[position]
            guard !lease.isAsking(now: now), now >= lease.lastSpent + Self.idleTime else { continue }
            postings += release(position)
            // A lease is forgotten with its period only: its totals must go on from where they are.
            if lease.period == nil, lease.owed == 0 { leases.remove(at: position) }
        }
        return postings
    }

    /// Gives back everything: the worker stops.
    public mutating func releaseAll(wall: Timestamp) -> [Posting] {
        (0..<leases.count).flatMap { position in
            leases[position].rollOver(wall: wall)
            return release(position)
        }
    }

    private mutating func release(_ position: Int) -> [Posting] {
        guard let period = leases[position].period else { return [] }
        let units = leases[position].releaseRemaining()
        return units > 0 ? [posting(leases.keys[position], period, units)] : []
    }

    // MARK: - Places

    private mutating func position(_ key: Key) -> Int? {
        if let position = leases.positionAgain(of: key) { return position }
        guard leases.count < capacity else { return nil }
        return leases.insert(key, QuotaLease())
    }

    private mutating func enlist(_ position: Int, now: UInt64) {
        guard !leases[position].isAsking(now: now) else { return }
        let key = leases.keys[position]
        if isListed.insert(key).inserted { low.append(key) }
    }

    func posting(_ key: Key, _ period: QuotaLease.Period, _ units: Int64) -> Posting {
        Posting(
            key: LeaseKey(quota: key.quota, subject: key.subject, periodStart: period.start), units: units
        )
    }
}
