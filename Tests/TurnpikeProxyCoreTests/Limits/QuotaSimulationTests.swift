// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

/// Several workers, one hard quota, and a control plane whose answers are late, repeated, out of order or lost.
@Suite struct QuotaSimulationTests {
    private struct Worker {
        var leases = QuotaLeases()
        var totals = LeaseTotals()
        var consumed: Int64 = 0
        var inFlight: [(wants: [LeaseRequest.Want], grants: [LeaseGrant])] = []
    }

    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func `no quota is exceeded by one unit, and none is stranded`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let rule = QuotaRule(id: ResourceID(high: 1, low: 1), isHard: true)
        let subject = ResourceID(high: 2, low: 1)
        let wall = Timestamp(seconds: 100)
        let limit = Int64.random(in: 1...20_000, using: &random)
        var workers = (0..<3).map { _ in Worker() }
        var account = QuotaAccount(limit: limit, committed: 0)
        var now: UInt64 = 0
        var passed: Int64 = 0

        for _ in 0..<6000 {
            now += UInt64.random(in: 0...40_000_000, using: &random)
            let index = Int.random(in: workers.indices, using: &random)
            for _ in 0..<Int.random(in: 0...20, using: &random) {
                guard workers[index].leases.availability(rule, subject, units: 1, wall: wall, now: now) == .allowed,
                    workers[index].leases.spend(rule, subject, units: 1, now: now) != nil
                else { continue }
                workers[index].consumed += 1
                passed += 1
            }
            let wants = workers[index].leases.wants(now: now)
            for want in wants {
                let size = account.grant(demand: want.demand, held: want.held, workers: 3)
                workers[index].totals.granted += size
                account.committed += size
            }
            if !wants.isEmpty {
                let grant = LeaseGrant(
                    key: LeaseKey(quota: rule.id, subject: subject, periodStart: Timestamp(seconds: 0)),
                    periodEnd: Timestamp(seconds: 1_000_000), granted: workers[index].totals.granted,
                    isExhausted: account.remaining == 0
                )
                workers[index].inFlight.append((wants, [grant]))
            }
            deliver(to: &workers[index], wall: wall, now: now, &random)
            #expect(passed <= limit, "seed \(seed)")
            for worker in workers { #expect(worker.consumed <= worker.totals.granted, "seed \(seed)") }
        }
        // With demand on all sides and answers that come at last, every unit finds its request.
        for index in workers.indices {
            for _ in 0..<40_000 where passed < limit {
                now += 50_000_000
                if workers[index].leases.availability(rule, subject, units: 1, wall: wall, now: now) == .allowed,
                    workers[index].leases.spend(rule, subject, units: 1, now: now) != nil
                {
                    passed += 1
                }
                let wants = workers[index].leases.wants(now: now)
                for want in wants {
                    let size = account.grant(demand: want.demand, held: want.held, workers: 3)
                    workers[index].totals.granted += size
                    account.committed += size
                }
                for (late, grants) in workers[index].inFlight {
                    _ = workers[index].leases.take(grants, for: late, wall: wall, now: now)
                }
                workers[index].inFlight = []
                guard !wants.isEmpty else { continue }
                let grant = LeaseGrant(
                    key: LeaseKey(quota: rule.id, subject: subject, periodStart: Timestamp(seconds: 0)),
                    periodEnd: Timestamp(seconds: 1_000_000), granted: workers[index].totals.granted,
                    isExhausted: account.remaining == 0
                )
                _ = workers[index].leases.take([grant], for: wants, wall: wall, now: now)
            }
        }
        #expect(passed == limit, "seed \(seed)")
    }

    private func deliver(to worker: inout Worker, wall: Timestamp, now: UInt64, _ random: inout SeededGenerator) {
        worker.inFlight.shuffle(using: &random)
        while let message = worker.inFlight.popLast(), Bool.random(using: &random) {
            switch Int.random(in: 0..<4, using: &random) {
            case 0: worker.leases.failed(message.wants, now: now)
            case 1:
                _ = worker.leases.take(message.grants, for: message.wants, wall: wall, now: now)
                _ = worker.leases.take(message.grants, for: message.wants, wall: wall, now: now)
            default: _ = worker.leases.take(message.grants, for: message.wants, wall: wall, now: now)
            }
        }
    }
}
