// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct LeaseTests {
    private struct Setting {
        var test: TestPlane
        var worker: Principal
        var quota: ResourceID
        var tenant: ResourceID

        func want(
            _ quota: ResourceID? = nil, subject: ResourceID? = nil, demand: Int64 = 10, held: Int64 = 0
        ) -> LeaseRequest.Want {
            .init(quota: quota ?? self.quota, subject: subject ?? tenant, demand: demand, held: held)
        }

        func lease(_ wants: LeaseRequest.Want..., epoch: Epoch = 1) async throws(TurnpikeError) -> [LeaseGrant] {
            try await test.plane.lease(LeaseRequest(epoch: epoch, wants: wants), worker: worker)
        }
    }

    private func setting(_ quota: JSON, timeZone: String = "UTC") async throws -> Setting {
        let test = try await TestPlane.start()
        let tenant = try await test.write(.create(.tenant, body: ["name": "acme", "timeZone": .string(timeZone)]))
        let created = try await test.write(.put(.quota, tenant: "acme", name: "q", body: quota))
        return Setting(
            test: test, worker: try await test.join(), quota: try #require(created.resource).id,
            tenant: try #require(tenant.resource).id)
    }

    @Test func `a lease follows demand and is durable before it is answered`() async throws {
        let setting = try await setting(Body.quota(limit: 1_000_000))
        let grant = try #require(try await setting.lease(setting.want(demand: 100)).first)
        #expect(grant.granted == 6000)
        #expect(!grant.isExhausted)
        #expect(try await setting.test.store.committed(grant.key) == 6000)
        let second = try #require(try await setting.lease(setting.want(demand: 100, held: 5000)).first)
        #expect(second.granted == 7000)
        let state = try await setting.test.plane.quotaState(tenant: "acme", quota: "q", key: nil)
        #expect(state.committed == 7000)
        #expect(state.remaining == 993_000)
    }

    @Test func `periods are those of the tenant's calendar`() async throws {
        let setting = try await setting(Body.quota(limit: 100, period: "month"), timeZone: "America/New_York")
        setting.test.clock.set(try #require(Timestamp("2026-03-01T03:00:00Z")))
        let grant = try #require(try await setting.lease(setting.want()).first)
        #expect(grant.key.periodStart.description == "2026-02-01T05:00:00Z")
        #expect(grant.periodEnd.description == "2026-03-01T05:00:00Z")
        setting.test.clock.set(grant.periodEnd)
        let next = try #require(try await setting.lease(setting.want()).first)
        #expect(next.key.periodStart == grant.periodEnd)
        #expect(next.periodEnd.description == "2026-04-01T04:00:00Z")
    }

    @Test func `a hard quota runs dry and says so`() async throws {
        let setting = try await setting(Body.quota(limit: 10))
        var granted: Int64 = 0
        for _ in 0..<30 {
            let grant = try #require(try await setting.lease(setting.want(demand: 1000)).first)
            #expect(grant.granted >= granted)
            granted = grant.granted
            #expect(grant.isExhausted == (granted == 10))
        }
        #expect(granted == 10)
    }

    @Test func `a soft quota grants what is wanted and marks overage`() async throws {
        let setting = try await setting(Body.quota(limit: 1500, enforcement: "soft"))
        let first = try #require(try await setting.lease(setting.want(demand: 0)).first)
        #expect(first.granted == 1000)
        #expect(!first.isExhausted)
        let second = try #require(try await setting.lease(setting.want(demand: 100)).first)
        #expect(second.granted == 7000)
        #expect(second.isExhausted)
    }

    @Test func `each key has an allowance of its own where the quota says so`() async throws {
        let setting = try await setting(Body.quota(limit: 40, per: "key"))
        var keys: [ResourceID] = []
        for name in ["a", "b"] {
            let created = try await setting.test.write(.create(.apiKey, tenant: "acme", body: ["name": .string(name)]))
            keys.append(try #require(created.resource).id)
        }
        let grants = try await setting.lease(setting.want(subject: keys[0]), setting.want(subject: keys[1]))
        #expect(grants.map(\.granted) == [10, 10])
        let state = try await setting.test.plane.quotaState(tenant: "acme", quota: "q", key: "a")
        #expect(state.committed == 10)
        for key in [nil, "nope"] {
            await #expect(throws: TurnpikeError.self) {
                try await setting.test.plane.quotaState(tenant: "acme", quota: "q", key: key)
            }
        }
    }

    @Test func `wants of one request for one allowance count against each other`() async throws {
        let setting = try await setting(Body.quota(limit: 3))
        let grants = try await setting.lease(setting.want(), setting.want(), setting.want(), setting.want())
        #expect(grants.map(\.granted) == [1, 2, 3, 3])
    }

    @Test func `what is not there, or not of the tenant, gets no grant`() async throws {
        let setting = try await setting(Body.quota(limit: 100))
        let other = try #require(try await setting.test.write(.create(.tenant, body: ["name": "globex"])).resource)
        let grants = try await setting.lease(
            setting.want(.zero), setting.want(subject: .zero), setting.want(subject: other.id),
            setting.want(subject: setting.quota), setting.want())
        #expect(grants.count == 1)
    }

    @Test func `where the storage fails nothing is granted`() async throws {
        let setting = try await setting(Body.quota(limit: 1_000_000))
        setting.test.store.failWriting()
        let error = try await refusal { () throws(TurnpikeError) in try await setting.lease(setting.want()) }
        #expect(error.code == .storageFailed)
        setting.test.store.beforeWriting(nil)
        #expect(try await setting.lease(setting.want()).first?.granted == 1000)
    }

    @Test func `workers that ask at once never get more than there is`() async throws {
        let setting = try await setting(Body.quota(limit: 5000))
        var workers: [Principal] = []
        for _ in 0..<5 { workers.append(try await setting.test.join()) }
        let totals = await withTaskGroup(of: (Int, Int64).self) { group in
            for call in 0..<200 {
                let worker = workers[call % 5]
                let request = LeaseRequest(epoch: 1, wants: [setting.want(demand: 1000)])
                let plane = setting.test.plane
                group.addTask { (call % 5, (try? await plane.lease(request, worker: worker).first?.granted) ?? 0) }
            }
            return await group.reduce(into: [Int: Int64]()) { $0[$1.0] = max($0[$1.0] ?? 0, $1.1) }
        }
        #expect(totals.values.reduce(0, +) == 5000)
        let state = try await setting.test.plane.quotaState(tenant: "acme", quota: "q", key: nil)
        #expect(state.committed == 5000)
    }

    @Test func `a worker that is no longer registered is refused`() async throws {
        let setting = try await setting(Body.quota(limit: 10))
        try await setting.test.write(.delete(.worker, name: setting.worker.resource.key.name))
        let error = try await refusal { () throws(TurnpikeError) in try await setting.lease(setting.want()) }
        #expect(error.code == .unauthenticated)
    }
}
