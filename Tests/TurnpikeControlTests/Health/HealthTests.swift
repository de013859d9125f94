// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeControl

@Suite struct HealthTests {
    @Test func `a storage that works again is found out without a write`() async throws {
        let test = try await TestPlane.start()
        test.store.failWriting()
        _ = try await refusal { () throws(TurnpikeError) in try await test.seed() }
        await test.plane.probeStorage()
        #expect(test.plane.obstacles.count == 1)
        test.store.beforeWriting(nil)
        await test.plane.probeStorage()
        #expect(test.plane.obstacles.isEmpty)
        // A storage that nothing is known against is left alone.
        let writes = test.store.writeCount
        await test.plane.probeStorage()
        #expect(test.store.writeCount == writes)
    }

    @Test func `replies that cannot be read, and leases that cannot be granted, are told`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let quota = try #require(
            try await test.write(.put(.quota, tenant: "acme", name: "q", body: Body.quota(limit: 100))).resource)
        let tenant = try test.plane.resource(.tenant, tenant: nil, name: "acme")
        let worker = try await test.join()
        test.store.refuseReading(true)
        var context = test.context()
        context.idempotencyKey = IdempotencyKey("k", credential: test.token, request: "r")
        _ = try await refusal { [context] () throws(TurnpikeError) in
            try await test.plane.write(.create(.tenant, body: ["name": "umbra"]), context)
        }
        #expect(test.plane.obstacles.contains { $0.hasPrefix("log: ") })
        test.store.refuseReading(false)
        try await test.write(.create(.tenant, body: ["name": "umbra"]))
        #expect(test.plane.obstacles.isEmpty)

        let want = LeaseRequest.Want(quota: quota.id, subject: tenant.id, demand: 1, held: 0)
        test.store.failWriting()
        _ = try await refusal { () throws(TurnpikeError) in
            try await test.plane.lease(LeaseRequest(epoch: 1, wants: [want]), worker: worker)
        }
        #expect(test.plane.obstacles.contains { $0.hasPrefix("ledger: ") })
        test.store.beforeWriting(nil)
        _ = try await test.plane.lease(LeaseRequest(epoch: 1, wants: [want]), worker: worker)
        #expect(test.plane.obstacles.isEmpty)
    }

    @Test func `a log that cannot be written is told, until it can`() async throws {
        let test = try await TestPlane.start()
        #expect(test.plane.obstacles.isEmpty)
        test.store.failWriting()
        _ = try await refusal { () throws(TurnpikeError) in try await test.seed() }
        #expect(test.plane.obstacles.count == 1 && test.plane.obstacles[0].hasPrefix("log: "))
        test.store.beforeWriting(nil)
        try await test.seed()
        #expect(test.plane.obstacles.isEmpty)
        await test.plane.shutDown()
        #expect(test.plane.obstacles == ["It is shutting down."])
    }
}
