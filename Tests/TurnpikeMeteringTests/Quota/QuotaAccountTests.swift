// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeTestSupport

@Suite struct QuotaAccountTests {
    @Test func `an exhausted account grants nothing`() {
        #expect(QuotaAccount(limit: 10, committed: 10).grant(demand: 5, held: 0, workers: 1) == 0)
        #expect(QuotaAccount(limit: 0, committed: 0).grant(demand: 5, held: 0, workers: 1) == 0)
        #expect(QuotaAccount(limit: 10, committed: 12).remaining == 0)
    }

    @Test func `the last units go out one by one`() {
        #expect(QuotaAccount(limit: 10, committed: 7).grant(demand: 1000, held: 0, workers: 4) == 1)
    }

    @Test func `a lease covers a minute of demand where the quota is large`() {
        #expect(QuotaAccount(limit: 100_000_000, committed: 0).grant(demand: 500, held: 0, workers: 2) == 30_000)
    }

    @Test(arguments: 0..<300)
    func `a grant never exceeds what remains, and is never zero while something remains`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let limit = Int64.random(in: 0...1_000_000_000_000_000, using: &random)
        let account = QuotaAccount(limit: limit, committed: Int64.random(in: 0...limit, using: &random))
        let grant = account.grant(
            demand: Int64.random(in: 0...1_000_000_000, using: &random),
            held: Int64.random(in: 0...1_000_000_000, using: &random),
            workers: Int64.random(in: 0...1000, using: &random)
        )
        #expect(grant <= account.remaining && (grant > 0) == (account.remaining > 0), "seed \(seed)")
    }

    @Test func `a closed epoch takes out what it spent, an open one what it holds`() {
        let totals = LeaseTotals(granted: 100, released: 20, consumed: 30)
        #expect(QuotaAccount.commitment(of: totals, isClosed: false) == 80)
        #expect(QuotaAccount.commitment(of: totals, isClosed: true) == 30)
        #expect(totals.remaining == 50)
    }

    @Test func `what is spent beyond the grants of a soft quota counts as well`() {
        let owed = LeaseTotals(granted: 0, released: 0, consumed: 30)
        #expect(QuotaAccount.commitment(of: owed, isClosed: false) == 30)
        #expect(QuotaAccount.commitment(of: LeaseTotals(granted: 5, released: 9, consumed: 2), isClosed: false) == 2)
    }

    @Test func `demand beyond all bounds is met by a share, not by an overflow`() {
        #expect(QuotaAccount(limit: 800, committed: 0).grant(demand: .max, held: 0, workers: 1) == 200)
    }
}

@Suite struct CalendarPeriodTests {
    @Test(arguments: [
        (Quota.Period.day, "2026-03-29T12:00:00Z", "Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        (.day, "2026-10-25T12:00:00Z", "Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        (.month, "2024-02-10T00:00:00Z", "UTC", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
        (.month, "2026-02-28T23:59:59.999Z", "UTC", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"),
        (.month, "2026-12-31T23:30:00Z", "Europe/Berlin", "2026-12-31T23:00:00Z", "2027-01-31T23:00:00Z"),
        (.hour, "2026-06-01T10:15:00Z", "Asia/Kolkata", "2026-06-01T09:30:00Z", "2026-06-01T10:30:00Z"),
        (.day, "2026-06-01T00:00:00Z", "UTC", "2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z"),
    ])
    func `periods follow the calendar of the tenant's zone`(
        period: Quota.Period, at: String, zone: String, start: String, end: String
    ) throws {
        let instant = try #require(Timestamp(at))
        let found = try #require(CalendarPeriod(period, containing: instant, timeZone: zone))
        #expect(found.start.description == start && found.end.description == end)
    }

    @Test func `only IANA zones are known`() {
        #expect(CalendarPeriod.isKnown(timeZone: "UTC") && CalendarPeriod.isKnown(timeZone: "America/New_York"))
        for unknown in ["", "EST", "GMT+1", "Mars/Olympus", "/etc/passwd", "../UTC"] {
            #expect(!CalendarPeriod.isKnown(timeZone: unknown), "\(unknown)")
        }
    }
}

@Suite struct UsageCountersTests {
    @Test func `merging is idempotent and takes the larger totals`() {
        let a = UsageCounters(requests: 5, bytesIn: 10, bytesOut: 7, units: 5)
        let b = UsageCounters(requests: 6, bytesIn: 9, bytesOut: 8, units: 5)
        #expect(a.merged(with: b) == UsageCounters(requests: 6, bytesIn: 10, bytesOut: 8, units: 5))
        #expect(a.merged(with: b) == b.merged(with: a) && a.merged(with: a) == a)
    }

    @Test func `sums stop at the largest count instead of trapping`() {
        var sum = UsageCounters(requests: .max - 1, bytesIn: 1, bytesOut: 2, units: .max)
        sum += UsageCounters(requests: 5, bytesIn: 2, bytesOut: 3, units: 1)
        #expect(sum == UsageCounters(requests: .max, bytesIn: 3, bytesOut: 5, units: .max))
    }
}
