// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// Which allowance a lease is a slice of.
public struct LeaseKey: Sendable, Hashable {
    public var quota: ResourceID
    /// The tenant's id, or the key's, as the quota's `per` says.
    public var subject: ResourceID
    public var periodStart: Timestamp

    public init(quota: ResourceID, subject: ResourceID, periodStart: Timestamp) {
        self.quota = quota
        self.subject = subject
        self.periodStart = periodStart
    }
}

/// One worker's dealings with one allowance in one epoch, as running totals, so that a repeated message is harmless.
public struct LeaseTotals: Sendable, Hashable {
    /// Units that the control plane has let the worker have.
    public var granted: Int64
    /// Units that the worker has given back unused.
    public var released: Int64
    /// Units that the worker has spent.
    public var consumed: Int64

    public init(granted: Int64 = 0, released: Int64 = 0, consumed: Int64 = 0) {
        self.granted = granted
        self.released = released
        self.consumed = consumed
    }

    /// Units that the worker may still spend.
    public var remaining: Int64 { granted - released - consumed }
}

/// How much of a quota is gone, and how large the next lease may be. Deducting at the grant, in a durable commit, is
/// what keeps a hard quota from ever being exceeded.
public struct QuotaAccount: Sendable, Hashable {
    public var limit: Int64
    /// Units that open epochs hold or have spent, and that closed epochs have spent.
    public var committed: Int64

    public init(limit: Int64, committed: Int64) {
        self.limit = limit
        self.committed = committed
    }

    public var remaining: Int64 { max(0, limit - committed) }

    /// What an epoch takes out of the allowance: all that it holds while it may still spend, what it spent once closed.
    /// Never less than what it spent, since a soft quota may be spent beyond its grants.
    public static func commitment(of totals: LeaseTotals, isClosed: Bool) -> Int64 {
        isClosed ? totals.consumed : max(totals.consumed, totals.granted - totals.released)
    }

    /// The size of the next lease for a worker that asks.
    ///
    /// A lease covers `horizon` seconds of the worker's demand, so that a control plane that is away goes unnoticed for
    /// as long; yet no lease takes more than a quarter of its share of what remains, so that leases shrink towards the
    /// limit and little is ever stranded. The last units go out one by one.
    ///
    /// - Parameters:
    ///   - demand: units a second that the worker spends, as it measured.
    ///   - held: units that the worker still has, 0 and more.
    ///   - workers: workers that may ask, at least 1.
    public func grant(demand: Int64, held: Int64, workers: Int64, horizon: Int64 = 60) -> Int64 {
        guard remaining > 0 else { return 0 }
        let (covering, overflows) = demand.multipliedReportingOverflow(by: horizon)
        let wanted = max(overflows ? .max : covering, QuotaAccount.minimumLease) - held
        let share = max(1, remaining / (4 * max(1, workers)))
        return min(max(1, min(wanted, share)), remaining)
    }

    /// What an idle worker is given, in units.
    public static let minimumLease: Int64 = 1000
}
