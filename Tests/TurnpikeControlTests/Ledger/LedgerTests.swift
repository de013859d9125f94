// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeControl

/// How usage and leases share the ledger.
@Suite struct LedgerTests {
    private struct Setting {
        var test: TestPlane
        var worker: Principal
        var tenant: ResourceID
        var quota: ResourceID

        /// Series that differ in their route.
        func batch(_ sequence: Int64, entries: Int) -> UsageBatch {
            let minute = test.clock.now.milliseconds / 60_000 - 1
            return UsageBatch(
                epoch: 1, sequence: sequence, isFinal: false,
                series: (0..<entries).map { number in
                    UsageSeries(
                        key: SeriesKey(
                            tenant: tenant, apiKey: .zero, route: ResourceID(high: 1, low: UInt64(number)),
                            statusClass: 2, minute: minute),
                        counters: UsageCounters(requests: sequence, bytesIn: 1, bytesOut: 1, units: 1))
                }, consumption: [])
        }
    }

    private func setting() async throws -> Setting {
        let test = try await TestPlane.start()
        let tenant = try #require(try await test.write(.create(.tenant, body: ["name": "acme"])).resource)
        let quota = try await test.write(.put(.quota, tenant: "acme", name: "q", body: Body.quota(limit: 1000)))
        return Setting(
            test: test, worker: try await test.join(), tenant: tenant.id, quota: try #require(quota.resource).id)
    }

    /// Holds the first write back until `gate` opens, and lets those that come later pass.
    private func holdFirstWrite(of store: HookedStore, at gate: Gate, reached: Gate) {
        let isFirst = Mutex(true)
        store.beforeWriting {
            guard
                isFirst.withLock({ first in
                    defer { first = false }
                    return first
                })
            else { return }
            reached.open()
            await gate.pass()
        }
    }

    @Test func `a lease is granted while usage is being taken`() async throws {
        let setting = try await setting()
        let (plane, worker, batch) = (setting.test.plane, setting.worker, setting.batch(1, entries: 10))
        let (gate, reached) = (Gate(), Gate())
        holdFirstWrite(of: setting.test.store, at: gate, reached: reached)
        let usage = Task { try await plane.takeUsage(batch, worker: worker) }
        await reached.pass()
        let want = LeaseRequest.Want(quota: setting.quota, subject: setting.tenant, demand: 1, held: 0)
        let grants = try await plane.lease(LeaseRequest(epoch: 1, wants: [want]), worker: worker)
        #expect(grants.count == 1 && grants[0].granted > 0)
        gate.open()
        #expect(try await usage.value.sequence == 1)
    }

    @Test(arguments: [
        (entries: 100, transactions: 1), (entries: 600, transactions: 5), (entries: 2000, transactions: 5),
    ])
    func `usage is taken in transactions of bounded size, and each batch has its receipt`(
        entries: Int, transactions: Int
    ) async throws {
        let setting = try await setting()
        let (plane, worker, store) = (setting.test.plane, setting.worker, setting.test.store)
        let (gate, reached) = (Gate(), Gate())
        holdFirstWrite(of: store, at: gate, reached: reached)
        let first = setting.batch(1, entries: 1)
        let before = store.writeCount
        let held = Task { try await plane.takeUsage(first, worker: worker) }
        await reached.pass()
        let others = (2...6).map { setting.batch($0, entries: entries) }
        let waiting = others.map { batch in Task { try await plane.takeUsage(batch, worker: worker) } }
        while plane.usageQueue.waitingCount < others.count { await Task.yield() }
        gate.open()
        _ = try await held.value
        // Whichever came first: each answer is of the highest sequence so far.
        for (batch, receipt) in zip(others, waiting) { #expect(try await receipt.value.sequence >= batch.sequence) }
        #expect(store.writeCount - before == 1 + transactions)
        let taken = try await plane.usage(UsageReportRequest(tenant: "acme"))
        #expect(taken.rows.map(\.counters.requests).reduce(0, +) == 6 * Int64(entries))
    }
}
