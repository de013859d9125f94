// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

@Suite struct QuotaLeasesTests {
    private let hard = QuotaRule(id: ResourceID(high: 1, low: 1), isHard: true)
    private let soft = QuotaRule(id: ResourceID(high: 1, low: 2), isHard: false)
    private let subject = ResourceID(high: 2, low: 1)
    private let start = Timestamp(seconds: 1000)
    private let end = Timestamp(seconds: 4600)
    private let wall = Timestamp(seconds: 2000)
    private let second: UInt64 = 1_000_000_000

    private func grant(
        _ rule: QuotaRule, _ granted: Int64, exhausted: Bool = false, start: Timestamp? = nil, end: Timestamp? = nil
    )
        -> LeaseGrant
    {
        LeaseGrant(
            key: LeaseKey(quota: rule.id, subject: subject, periodStart: start ?? self.start),
            periodEnd: end ?? self.end, granted: granted, isExhausted: exhausted
        )
    }

    private func ask(
        _ leases: inout QuotaLeases, _ rule: QuotaRule, now: UInt64, wall: Timestamp? = nil
    ) -> QuotaLeases.Availability {
        leases.availability(rule, subject, units: 1, wall: wall ?? self.wall, now: now)
    }

    private func spend(_ leases: inout QuotaLeases, _ rule: QuotaRule, now: UInt64) -> Bool {
        guard ask(&leases, rule, now: now) == .allowed else { return false }
        return leases.spend(rule, subject, units: 1, now: now) != nil
    }

    @Test func `nothing passes before something is granted, and not one more than is`() {
        var leases = QuotaLeases()
        #expect(ask(&leases, hard, now: 0) == .needsGrant)
        let wants = leases.wants(now: 0)
        #expect(wants == [.init(quota: hard.id, subject: subject, demand: 1, held: 0)])
        #expect(leases.take([grant(hard, 3)], for: wants, wall: wall, now: 1).isEmpty)
        #expect((0..<5).map { _ in spend(&leases, hard, now: 2) } == [true, true, true, false, false])
        #expect(ask(&leases, hard, now: 2) == .needsGrant)
    }

    @Test func `what is spent is to be recorded in its period`() {
        var leases = QuotaLeases()
        _ = ask(&leases, hard, now: 0)
        _ = leases.take([grant(hard, 3)], for: leases.wants(now: 0), wall: wall, now: 1)
        #expect(ask(&leases, hard, now: 2) == .allowed)
        let key = LeaseKey(quota: hard.id, subject: subject, periodStart: start)
        #expect(leases.spend(hard, subject, units: 1, now: 2) == .init(key: key, units: 1))
    }

    @Test func `one ask is under way at a time`() {
        var leases = QuotaLeases()
        _ = ask(&leases, hard, now: 0)
        let wants = leases.wants(now: 0)
        #expect(wants.count == 1)
        _ = ask(&leases, hard, now: 1)
        #expect(!leases.mayWant && leases.wants(now: 5 * second).isEmpty)
        leases.failed(wants, now: 5 * second)
        _ = ask(&leases, hard, now: 5 * second + 1)
        #expect(leases.wants(now: 5 * second + 1).isEmpty)
        #expect(leases.nextAsk == 5 * second + 100_000_000)
        #expect(leases.wants(now: 5 * second + 100_000_000).count == 1)
    }

    @Test func `an ask without an answer does not stand in the way for ever`() {
        var leases = QuotaLeases()
        _ = ask(&leases, hard, now: 0)
        #expect(leases.wants(now: 0).count == 1)
        _ = ask(&leases, hard, now: 10 * second - 1)
        #expect(leases.wants(now: 10 * second - 1).isEmpty)
        _ = ask(&leases, hard, now: 10 * second)
        #expect(leases.wants(now: 10 * second).count == 1)
    }

    @Test func `the next lease is asked for when less than half of the last is left`() {
        var leases = QuotaLeases()
        _ = ask(&leases, hard, now: 0)
        _ = leases.take([grant(hard, 10)], for: leases.wants(now: 0), wall: wall, now: 0)
        for _ in 0..<5 { #expect(spend(&leases, hard, now: second)) }
        #expect(!leases.mayWant)
        #expect(spend(&leases, hard, now: second))
        #expect(leases.wants(now: second) == [.init(quota: hard.id, subject: subject, demand: 6, held: 4)])
    }

    @Test func `a used-up quota says until when, and is asked about once a second`() {
        var leases = QuotaLeases()
        _ = ask(&leases, hard, now: 0)
        _ = leases.take([grant(hard, 1, exhausted: true)], for: leases.wants(now: 0), wall: wall, now: 0)
        #expect(spend(&leases, hard, now: 1))
        #expect(ask(&leases, hard, now: 2) == .exhausted(periodStart: start, resetAt: end))
        #expect(leases.wants(now: 3).isEmpty)
        let wants = leases.wants(now: second)
        #expect(wants.count == 1)
        // Another worker has given some back.
        _ = leases.take([grant(hard, 2, exhausted: true)], for: wants, wall: wall, now: second)
        #expect(spend(&leases, hard, now: second) && !spend(&leases, hard, now: second))
    }

    @Test func `old and repeated grants change nothing`() {
        var leases = QuotaLeases()
        _ = ask(&leases, hard, now: 0)
        for granted in [5, 5, 2] as [Int64] { _ = leases.take([grant(hard, granted)], for: [], wall: wall, now: 0) }
        #expect((0..<6).count { _ in spend(&leases, hard, now: 0) } == 5)
        let before = grant(hard, 100, start: Timestamp(seconds: 10), end: Timestamp(seconds: 1000))
        _ = leases.take([before], for: [], wall: wall, now: 0)
        #expect(!spend(&leases, hard, now: 0))
    }

    @Test func `what is left of a period ends with it`() {
        var leases = QuotaLeases()
        _ = ask(&leases, hard, now: 0)
        _ = leases.take([grant(hard, 10)], for: leases.wants(now: 0), wall: wall, now: 0)
        #expect(ask(&leases, hard, now: second, wall: end) == .needsGrant)
        let wants = leases.wants(now: second)
        #expect(wants.first?.held == 0)
        let next = grant(hard, 4, start: end, end: Timestamp(seconds: 8200))
        _ = leases.take([next], for: wants, wall: end, now: second)
        #expect(leases.availability(hard, subject, units: 1, wall: end, now: second) == .allowed)
        #expect(leases.spend(hard, subject, units: 1, now: second)?.key.periodStart == end)
    }

    @Test func `a grant whose period is over already is worth nothing`() {
        var leases = QuotaLeases()
        _ = ask(&leases, hard, now: 0, wall: end)
        _ = leases.take([grant(hard, 10)], for: leases.wants(now: 0), wall: end, now: 0)
        #expect(ask(&leases, hard, now: 1, wall: end) == .needsGrant)
    }

    @Test func `a soft quota lets pass and owes until its period is known`() {
        var leases = QuotaLeases()
        for _ in 0..<3 {
            #expect(ask(&leases, soft, now: 0) == .allowed)
            #expect(leases.spend(soft, subject, units: 1, now: 0) == nil)
        }
        let owed = leases.take([grant(soft, 2, exhausted: true)], for: leases.wants(now: 0), wall: wall, now: 1)
        #expect(owed == [.init(key: LeaseKey(quota: soft.id, subject: subject, periodStart: start), units: 3)])
        #expect(leases.take([grant(soft, 2, exhausted: true)], for: [], wall: wall, now: 1).isEmpty)
        #expect(spend(&leases, soft, now: 2))
    }

    @Test func `a lease unused for a minute is given back, once`() {
        var leases = QuotaLeases()
        _ = ask(&leases, hard, now: 0)
        _ = leases.take([grant(hard, 10)], for: leases.wants(now: 0), wall: wall, now: 0)
        #expect(spend(&leases, hard, now: second))
        #expect(leases.releaseIdle(wall: wall, now: 60 * second).isEmpty)
        let key = LeaseKey(quota: hard.id, subject: subject, periodStart: start)
        #expect(leases.releaseIdle(wall: wall, now: 61 * second) == [.init(key: key, units: 9)])
        #expect(leases.releaseIdle(wall: wall, now: 62 * second).isEmpty)
        #expect(ask(&leases, hard, now: 63 * second) == .needsGrant)
        // The next grant is a running total.
        _ = leases.take([grant(hard, 12)], for: leases.wants(now: 63 * second), wall: wall, now: 63 * second)
        #expect((0..<3).count { _ in spend(&leases, hard, now: 63 * second) } == 2)
    }

    @Test func `stopping gives back all that is left`() {
        var leases = QuotaLeases()
        _ = ask(&leases, hard, now: 0)
        _ = leases.take([grant(hard, 10)], for: leases.wants(now: 0), wall: wall, now: 0)
        #expect(leases.releaseAll(wall: wall).map(\.units) == [10])
        #expect(leases.releaseAll(wall: wall).isEmpty)
    }

    @Test func `a full table grants nothing to newcomers`() {
        var leases = QuotaLeases(capacity: 1)
        #expect(ask(&leases, hard, now: 0) == .needsGrant)
        #expect(leases.availability(soft, subject, units: 1, wall: wall, now: 0) == .needsGrant)
        #expect(leases.count == 1)
    }
}
