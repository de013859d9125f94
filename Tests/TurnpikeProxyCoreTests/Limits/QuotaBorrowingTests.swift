// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

/// What the loops of a worker do for each other.
@Suite struct QuotaBorrowingTests {
    private let rule = QuotaRule(id: ResourceID(high: 1, low: 1), isHard: true)
    private let subject = ResourceID(high: 2, low: 1)
    private let start = Timestamp(seconds: 1000)
    private let end = Timestamp(seconds: 4600)
    private let wall = Timestamp(seconds: 2000)

    private var key: QuotaLeases.Key { QuotaLeases.Key(quota: rule.id, subject: subject) }
    private var leaseKey: LeaseKey { LeaseKey(quota: rule.id, subject: subject, periodStart: start) }

    /// The leases of a loop that has been granted so much.
    private func leases(granted: Int64, exhausted: Bool = false) -> QuotaLeases {
        var leases = QuotaLeases()
        leases.mayBorrow = true
        _ = ask(&leases, now: 0)
        let grant = LeaseGrant(key: leaseKey, periodEnd: end, granted: granted, isExhausted: exhausted)
        _ = leases.take([grant], for: leases.wants(now: 0), wall: wall, now: 0)
        _ = leases.takeShortfalls(now: 0)
        leases.takeLoans([], for: [.init(key: key, units: 1)], wall: wall, now: 0)
        return leases
    }

    private func ask(_ leases: inout QuotaLeases, now: UInt64, wall: Timestamp? = nil) -> QuotaLeases.Availability {
        leases.availability(rule, subject, units: 1, wall: wall ?? self.wall, now: now)
    }

    /// Some time after other loops were last asked.
    private let later: UInt64 = 200_000_000

    @Test func `a loop by itself lacks nothing that others could have`() {
        var leases = QuotaLeases()
        #expect(ask(&leases, now: 0) == .needsGrant && !leases.lacksUnits)
    }

    @Test func `whoever finds the lease empty waits for other loops, although the quota is used up`() {
        var borrower = leases(granted: 0, exhausted: true)
        for _ in 0..<3 { #expect(ask(&borrower, now: later) == .needsGrant) }
        let shortfalls = borrower.takeShortfalls(now: later)
        #expect(shortfalls == [.init(key: key, units: 3)] && !borrower.lacksUnits)
        // Who comes while they are asked waits with the others, and is not asked for twice.
        #expect(ask(&borrower, now: later) == .needsGrant && !borrower.lacksUnits)
    }

    @Test func `what others lend passes as many requests, and is recorded by the lender alone`() throws {
        var borrower = leases(granted: 0, exhausted: true)
        var lender = leases(granted: 10, exhausted: true)
        for _ in 0..<2 { _ = ask(&borrower, now: later) }
        let shortfalls = borrower.takeShortfalls(now: later)
        let lent = lender.lend(shortfalls[0], wall: wall)
        let loan = try #require(lent)
        #expect(loan == .init(key: leaseKey, periodEnd: end, units: 2))
        borrower.takeLoans([loan], for: shortfalls, wall: wall, now: later)
        for _ in 0..<2 {
            #expect(ask(&borrower, now: later) == .allowed)
            #expect(borrower.spend(rule, subject, units: 1, now: later) == nil)
        }
        #expect(borrower.releaseAll(wall: wall).isEmpty)
        #expect(lender.releaseAll(wall: wall) == [.init(key: leaseKey, units: 8)])
    }

    @Test func `a loop lends half of what it has, and its last unit`() throws {
        var lender = leases(granted: 7)
        var lent: [Int64] = []
        while let loan = lender.lend(.init(key: key, units: 100), wall: wall) { lent.append(loan.units) }
        #expect(lent == [4, 2, 1])
        // It asks the control plane for no more until it has requests of its own.
        #expect(!lender.mayWant)
        #expect(ask(&lender, now: later) != .allowed && lender.mayWant)
    }

    @Test func `where others have nothing the answer is known for a tenth of a second`() {
        var borrower = leases(granted: 0, exhausted: true)
        #expect(ask(&borrower, now: later) == .needsGrant)
        let shortfalls = borrower.takeShortfalls(now: later)
        borrower.takeLoans([], for: shortfalls, wall: wall, now: later)
        let exhausted = QuotaLeases.Availability.exhausted(periodStart: start, resetAt: end)
        #expect(ask(&borrower, now: later) == exhausted)
        #expect(ask(&borrower, now: later + 99_999_999) == exhausted && !borrower.lacksUnits)
        #expect(ask(&borrower, now: later + 100_000_000) == .needsGrant && borrower.lacksUnits)
    }

    @Test func `an answer that does not come is waited for no longer than a tenth of a second`() {
        var borrower = leases(granted: 0, exhausted: true)
        _ = ask(&borrower, now: later)
        #expect(borrower.takeShortfalls(now: later).count == 1)
        #expect(ask(&borrower, now: later + 99_999_999) == .needsGrant && !borrower.lacksUnits)
        #expect(ask(&borrower, now: later + 100_000_000) == .needsGrant && borrower.lacksUnits)
    }

    @Test func `what is lent belongs to its period`() {
        let loan = QuotaLeases.Loan(key: leaseKey, periodEnd: end, units: 5)
        var borrower = QuotaLeases()
        borrower.mayBorrow = true
        _ = ask(&borrower, now: 0)
        // The lender may know of the period before the borrower does.
        borrower.takeLoans([loan], for: borrower.takeShortfalls(now: 0), wall: wall, now: 0)
        #expect(ask(&borrower, now: 0) == .allowed)
        #expect(ask(&borrower, now: 0, wall: end) == .needsGrant)
        // What comes too late is of no use.
        borrower.takeLoans([loan], for: [], wall: end, now: 0)
        #expect(ask(&borrower, now: 0, wall: end) == .needsGrant)

        var lender = leases(granted: 10)
        #expect(lender.lend(.init(key: key, units: 1), wall: end) == nil)
    }

    /// Loops of one worker and a control plane that comes and goes: each loop's demand meets whatever any loop holds.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `loops pass all that is granted to any of them, and not one more`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let limit = Int64.random(in: 1...2000, using: &random)
        var account = QuotaAccount(limit: limit, committed: 0)
        var loops = (0..<3).map { _ in QuotaLeases() }
        for index in loops.indices { loops[index].mayBorrow = true }
        var granted = loops.map { _ in 0 as Int64 }
        // What journals would hold: the sum must be what passed.
        var recorded = loops.map { _ in 0 as Int64 }
        var passed: Int64 = 0
        var now: UInt64 = 0
        // From here on only one loop has requests, and after all is granted the control plane is away.
        for step in 0..<20_000 where passed < limit {
            now += 30_000_000
            let index = step < 500 ? Int.random(in: loops.indices, using: &random) : 0
            if ask(&loops[index], now: now) == .allowed {
                recorded[index] += loops[index].spend(rule, subject, units: 1, now: now)?.units ?? 0
                passed += 1
            }
            let shortfalls = loops[index].takeShortfalls(now: now)
            var loans: [QuotaLeases.Loan] = []
            for other in loops.indices where other != index && loans.isEmpty {
                for shortfall in shortfalls {
                    guard let loan = loops[other].lend(shortfall, wall: wall) else { continue }
                    recorded[other] += loan.units
                    loans.append(loan)
                }
            }
            if !shortfalls.isEmpty { loops[index].takeLoans(loans, for: shortfalls, wall: wall, now: now) }
            let wants = loops[index].wants(now: now)
            for want in wants {
                let size = account.grant(demand: want.demand, held: want.held, workers: 1)
                account.committed += size
                granted[index] += size
            }
            let grants = wants.map { _ in
                LeaseGrant(
                    key: leaseKey, periodEnd: end, granted: granted[index], isExhausted: account.remaining == 0)
            }
            _ = loops[index].take(grants, for: wants, wall: wall, now: now)
            for index in loops.indices { #expect(recorded[index] <= granted[index], "seed \(seed)") }
        }
        #expect(passed == limit && recorded.reduce(0, +) == limit, "seed \(seed)")
    }
}
