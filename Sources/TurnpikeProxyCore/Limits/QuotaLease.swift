// SPDX-License-Identifier: Apache-2.0

import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot

/// One slice of one allowance, as this worker holds it. Totals of the period; see `LeaseTotals`.
struct QuotaLease: Sendable {
    struct Period: Sendable, Hashable {
        var start: Timestamp
        var end: Timestamp
    }

    /// Unknown until the control plane has answered; periods are its business.
    private(set) var period: Period?
    private(set) var totals = LeaseTotals()
    /// Nothing is left to grant, the control plane said.
    private(set) var isExhausted = false
    /// Spent on a soft quota before the period was known: recorded once it is.
    private(set) var owed: Int64 = 0
    private var lastGrant: Int64 = 0
    /// Units that another loop has spent for this one, out of its own lease: recorded there, and still to be used here.
    private(set) var borrowed: Int64 = 0

    var demand = DemandMeter()
    var lastSpent: UInt64 = 0
    /// Until when the answer to an ask is waited for, in nanoseconds; zero where none is under way.
    var askEnds: UInt64 = 0
    /// When the control plane may be asked again, in nanoseconds.
    var askAfter: UInt64 = 0
    /// Asks in a row that failed.
    var failures = 0
    /// Units that requests lack which wait for other loops.
    var lacking: Int64 = 0
    /// Until when other loops' answers are waited for, in nanoseconds; zero where none is asked.
    var borrowEnds: UInt64 = 0
    /// When other loops may be asked again, in nanoseconds.
    var borrowAfter: UInt64 = 0

    var remaining: Int64 { totals.remaining }

    /// What requests may still use.
    var spendable: Int64 { max(totals.remaining, 0) + borrowed }

    /// Ask ahead: less than half of the last grant is left, or nothing is known.
    var isLow: Bool { period == nil || totals.remaining <= 0 || totals.remaining < lastGrant / 2 }

    func isAsking(now: UInt64) -> Bool { now < askEnds }

    /// Forgets what was left of a period that is over.
    mutating func rollOver(wall: Timestamp) {
        guard let period, wall >= period.end else { return }
        self = QuotaLease(afterPeriodOf: self)
    }

    init() {}

    private init(afterPeriodOf other: QuotaLease) {
        demand = other.demand
        lastSpent = other.lastSpent
        askEnds = other.askEnds
        askAfter = other.askAfter
        failures = other.failures
        borrowEnds = other.borrowEnds
    }

    /// Spends within the period, what is borrowed first; the caller has looked at `spendable`.
    ///
    /// - Returns: units spent of the lease itself.
    mutating func spend(_ units: Int64) -> Int64 {
        let foreign = min(units, borrowed)
        borrowed -= foreign
        totals.consumed += units - foreign
        return units - foreign
    }

    /// Spends units of the lease for another loop: half of what is left at most, but the last one whole.
    mutating func lend(_ units: Int64) -> Int64 {
        let lent = min(units, remaining - remaining / 2)
        guard lent > 0 else { return 0 }
        totals.consumed += lent
        return lent
    }

    /// Takes what another loop has spent for this one. What belongs to a period that is over here is of no use any more.
    mutating func borrow(_ units: Int64, of other: Period, wall: Timestamp) {
        guard wall < other.end else { return }
        if let period {
            guard period.start <= other.start else { return }
            if period.start < other.start { self = QuotaLease(afterPeriodOf: self) }
        }
        period = other
        borrowed += units
    }

    mutating func owe(_ units: Int64) { owed += units }

    mutating func releaseRemaining() -> Int64 {
        let units = max(totals.remaining, 0)
        totals.released += units
        return units
    }

    /// Takes a grant, which is a running total: an old or repeated one changes nothing.
    ///
    /// - Returns: what was owed and now belongs to the period, which is no longer zero only once.
    mutating func take(_ grant: LeaseGrant, wall: Timestamp) -> Int64 {
        let granted = Period(start: grant.key.periodStart, end: grant.periodEnd)
        if let period, granted.start < period.start { return 0 }
        guard wall < granted.end else { return 0 }
        if period?.start != granted.start {
            totals = LeaseTotals()
            lastGrant = 0
            borrowed = 0
        }
        period = granted
        if grant.granted > totals.granted {
            lastGrant = grant.granted - totals.granted
            totals.granted = grant.granted
        }
        isExhausted = grant.isExhausted
        defer { owed = 0 }
        totals.consumed += owed
        return owed
    }
}
