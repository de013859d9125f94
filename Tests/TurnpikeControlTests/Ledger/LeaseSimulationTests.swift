// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeControl

/// A gateway as the ledger sees it: it spends what it was granted, loses answers, repeats itself, and dies.
private struct SimulatedGateway {
    let principal: Principal
    var epoch: Epoch
    /// Running totals of this epoch, as its journal has them.
    var totals = LeaseTotals()
    var sequence: Int64 = 0
    /// Batches sent so far, any of which may come again.
    var sent: [UsageBatch] = []
    /// Final batches of epochs that a crash ended, still to be sent.
    var closings: [UsageBatch] = []

    init(_ principal: Principal, epoch: Epoch) {
        self.principal = principal
        self.epoch = epoch
    }

    mutating func batch(for key: LeaseKey, isFinal: Bool) -> UsageBatch {
        sequence += 1
        return UsageBatch(
            epoch: epoch, sequence: sequence, isFinal: isFinal, series: [],
            consumption: [.init(key: key, consumed: totals.consumed, released: totals.released)])
    }

    /// `kill -9` and a new start: what the journal has is reported as the end of the old epoch.
    mutating func crash(_ key: LeaseKey) {
        closings.append(batch(for: key, isFinal: true))
        totals = LeaseTotals()
        sequence = 0
        epoch += 1
    }
}

@Suite struct LeaseSimulationTests {
    @Test(arguments: UInt64(1)...8)
    func `a hard quota is never exceeded, and in the end what is committed was spent`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let limit = Int64.random(in: 0...20_000, using: &random)
        let test = try await TestPlane.start()
        try await test.seed()
        let quota = try #require(
            try await test.write(.put(.quota, tenant: "acme", name: "q", body: Body.quota(limit: limit))).resource
        ).id
        let tenant = try test.plane.resource(.tenant, tenant: nil, name: "acme").id
        let period = try #require(CalendarPeriod(.month, containing: test.clock.now, timeZone: "UTC"))
        let key = LeaseKey(quota: quota, subject: tenant, periodStart: period.start)
        var gateways: [SimulatedGateway] = []
        for _ in 0..<3 { gateways.append(SimulatedGateway(try await test.join(), epoch: 1)) }
        var spentInClosedEpochs: Int64 = 0

        func send(_ batch: UsageBatch, _ gateway: SimulatedGateway) async throws {
            _ = try await test.plane.takeUsage(batch, worker: gateway.principal)
        }

        for step in 0..<1500 {
            let place = Int.random(in: 0..<gateways.count, using: &random)
            var gateway = gateways[place]
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<7:
                let wanted = Int64.random(in: 0...500, using: &random)
                gateway.totals.consumed += min(wanted, gateway.totals.remaining)
            case 7..<11:
                let want = LeaseRequest.Want(
                    quota: quota, subject: tenant, demand: .random(in: 0...100, using: &random),
                    held: gateway.totals.remaining)
                let request = LeaseRequest(epoch: gateway.epoch, wants: [want])
                let grant = try #require(try await test.plane.lease(request, worker: gateway.principal).first)
                // Every third answer is lost.
                if Int.random(in: 0..<3, using: &random) > 0 {
                    gateway.totals.granted = max(gateway.totals.granted, grant.granted)
                }
            case 11..<15:
                let batch = gateway.batch(for: key, isFinal: false)
                gateway.sent.append(batch)
                if Bool.random(using: &random) { try await send(batch, gateway) }
            case 15..<17:
                if let old = gateway.sent.randomElement(using: &random) { try await send(old, gateway) }
            case 17: gateway.totals.released += Int64.random(in: 0...gateway.totals.remaining, using: &random)
            case 18:
                spentInClosedEpochs += gateway.totals.consumed
                gateway.crash(key)
            default:
                if let closing = gateway.closings.popLast() {
                    gateway.sent.append(closing)
                    try await send(closing, gateway)
                }
            }
            gateways[place] = gateway
            let spent = gateways.reduce(spentInClosedEpochs) { $0 + $1.totals.consumed }
            let committed = try await test.store.committed(key)
            try #require(spent <= committed && committed <= limit, "seed \(seed), step \(step)")
        }

        let spent = gateways.reduce(spentInClosedEpochs) { $0 + $1.totals.consumed }
        for place in gateways.indices {
            gateways[place].crash(key)
            for closing in gateways[place].closings.shuffled(using: &random) {
                try await send(closing, gateways[place])
            }
        }
        #expect(try await test.store.committed(key) == spent, "seed \(seed)")
    }
}
