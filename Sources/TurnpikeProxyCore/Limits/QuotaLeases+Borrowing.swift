// SPDX-License-Identifier: Apache-2.0

public import TurnpikeMetering
public import TurnpikeModel

/// What the loops of a worker do for each other, so that no unit is out of reach of the requests of another loop, even while
/// the control plane is away.
///
/// A loop whose lease is empty asks the others, one after the other. Who has units spends them for it: they count as spent, and
/// are recorded as such, in the epoch they were granted to, before the other loop hears of them. So whatever becomes of
/// either, no unit is used twice. A unit whose request has left meanwhile waits for the next one; it is lost to the tenant
/// where none comes before the period or the process ends.
extension QuotaLeases {
    /// Units that requests wait for.
    public struct Shortfall: Sendable, Hashable {
        public var key: Key
        public var units: Int64

        public init(key: Key, units: Int64) {
            self.key = key
            self.units = units
        }
    }

    /// Units that one loop has spent for another.
    public struct Loan: Sendable, Hashable {
        public var key: LeaseKey
        public var periodEnd: Timestamp
        public var units: Int64

        public init(key: LeaseKey, periodEnd: Timestamp, units: Int64) {
            self.key = key
            self.periodEnd = periodEnd
            self.units = units
        }
    }

    // Nanoseconds.
    /// After other loops had nothing.
    static let borrowInterval: UInt64 = 100_000_000
    /// An answer that has not come by then is waited for no longer.
    static let longestBorrow: UInt64 = 100_000_000

    /// Whether there is something to ask other loops for.
    public var lacksUnits: Bool { !lacking.isEmpty }

    /// Notes that a request lacks units of a lease.
    ///
    /// - Returns: whether it is worth its waiting for other loops.
    mutating func lack(_ units: Int64, at position: Int, now: UInt64) -> Bool {
        if now < leases[position].borrowEnds { return true }
        guard now >= leases[position].borrowAfter else { return false }
        if leases[position].lacking == 0 { lacking.append(leases.keys[position]) }
        leases[position].lacking += units
        return true
    }

    /// What to ask the other loops for. Those that lack more of the same from now on wait for the answer.
    public mutating func takeShortfalls(now: UInt64) -> [Shortfall] {
        defer { lacking = [] }
        return lacking.compactMap { key in
            guard let position = leases.position(of: key) else { return nil }
            let units = leases[position].lacking
            leases[position].lacking = 0
            guard units > 0 else { return nil }
            leases[position].borrowEnds = now + Self.longestBorrow
            return Shortfall(key: key, units: units)
        }
    }

    /// Spends for another loop, as much as it lacks, but at most half of what is left, rounded up. Whoever calls this records
    /// what the loan says before he passes it on. A lender that runs low by that asks for nothing: the one that has the requests
    /// does, and would look in vain for a grant that is still on its way to another.
    public mutating func lend(_ shortfall: Shortfall, wall: Timestamp) -> Loan? {
        guard let position = leases.position(of: shortfall.key) else { return nil }
        leases[position].rollOver(wall: wall)
        guard let period = leases[position].period else { return nil }
        let units = leases[position].lend(shortfall.units)
        guard units > 0 else { return nil }
        return Loan(key: posting(shortfall.key, period, units).key, periodEnd: period.end, units: units)
    }

    /// Takes what all other loops have lent of what was lacking. Where that is nothing, they are asked again after 100 ms at the
    /// earliest.
    public mutating func takeLoans(_ loans: [Loan], for shortfalls: [Shortfall], wall: Timestamp, now: UInt64) {
        for shortfall in shortfalls {
            guard let position = leases.position(of: shortfall.key) else { continue }
            leases[position].borrowEnds = 0
            leases[position].borrowAfter = now + Self.borrowInterval
        }
        for loan in loans {
            guard let position = leases.position(of: Key(quota: loan.key.quota, subject: loan.key.subject)) else {
                continue
            }
            leases[position].borrowAfter = now
            let period = QuotaLease.Period(start: loan.key.periodStart, end: loan.periodEnd)
            leases[position].borrow(loan.units, of: period, wall: wall)
        }
    }
}
