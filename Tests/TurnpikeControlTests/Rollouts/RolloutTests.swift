// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct RolloutTests {
    /// A plane with a worker that is connected and has applied everything.
    private func planeWithWorker() async throws -> (test: TestPlane, worker: Principal, stream: WorkerStream) {
        let test = try await TestPlane.start()
        try await test.seed()
        let worker = try await test.join("gw-1")
        let stream = try test.plane.openStream(worker: worker, from: nil)
        let revision = try #require(try await stream.nextDelta()).revision
        try test.plane.acknowledge(Acknowledgement(revision: revision), worker: worker)
        return (test, worker, stream)
    }

    private func change(_ test: TestPlane, port: Int64) async throws -> Revision {
        try await test.write(.put(.service, tenant: "acme", name: "orders", body: Body.service(port: port))).revision
    }

    @Test func `a worker is pending until it says that it has applied the revision`() async throws {
        let (test, worker, stream) = try await planeWithWorker()
        let revision = try await change(test, port: 1)
        #expect(try test.plane.rollout(of: revision).state == .pending)
        #expect(try test.plane.rollout(of: revision).pending.map(\.name) == ["gw-1"])
        #expect(try test.plane.rollout(of: revision - 1).state == .complete)
        let delta = try #require(try await stream.nextDelta())
        try test.plane.acknowledge(Acknowledgement(revision: delta.revision), worker: worker)
        let rollout = try test.plane.rollout(of: revision)
        #expect(rollout.state == .complete)
        #expect(rollout.applied.map(\.appliedRevision) == [revision])
        #expect(rollout.json["state"] == "complete")
    }

    @Test func `a dry run names the workers that are there, not those long gone`() async throws {
        let (test, _, stream) = try await planeWithWorker()
        let gone = try test.plane.openStream(worker: try await test.join("gone"), from: nil)
        gone.close()
        func touched() async throws -> [String] {
            let command = WriteCommand.put(.service, tenant: "acme", name: "orders", body: Body.service(port: 1))
            return try await test.write(command, dryRun: true).workers.map(\.name)
        }
        #expect(try await touched() == ["gone", "gw-1"])
        test.clock.advance(by: Fleet.patience)
        #expect(try await touched() == ["gw-1"])
        withExtendedLifetime(stream) {}
    }

    @Test func `a worker's page and a rollout tell how far behind it is`() async throws {
        let (test, worker, stream) = try await planeWithWorker()
        func lag() throws -> JSON? { test.plane.workerStatus(of: worker.resource.id)?.json["lag"] }
        #expect(try lag() == 0)
        _ = try await change(test, port: 1)
        let revision = try await change(test, port: 2)
        #expect(try lag() == 2)
        #expect(try test.plane.rollout(of: revision).pending.map(\.lag) == [2])
        // What workers never see leaves nobody behind.
        try await test.write(.create(.operator, body: ["name": "ops"]))
        #expect(try lag() == 2)
        try test.plane.acknowledge(Acknowledgement(revision: revision), worker: worker)
        #expect(try lag() == 0)
        let silent = try await test.join("silent")
        #expect(test.plane.workerStatus(of: silent.resource.id)?.json["lag"] == .null)
        withExtendedLifetime(stream) {}
    }

    @Test func `who sees one tenant only is told workers' names and standing, not what they said of themselves`()
        async throws
    {
        let test = try await TestPlane.start()
        try await test.seed()
        let worker = try await test.join("gw-1")
        let announcement = WorkerAnnouncement(
            version: "1.2", capabilities: [], addresses: ["10.0.0.1:8000"], zone: "eu-a")
        let stream = try test.plane.openStream(worker: worker, from: nil, announcement)
        let revision = try await change(test, port: 1)
        for (isApplied, list) in [(false, "pending"), (true, "applied")] {
            if isApplied { try test.plane.acknowledge(Acknowledgement(revision: revision), worker: worker) }
            let own = try test.plane.rollout(of: revision, for: Authority(role: .owner, tenant: "acme")).json
            #expect(own[list]?[0]?["name"] == "gw-1" && own[list]?[0]?["connected"] == true)
            for field in ["version", "capabilities", "addresses", "zone"] {
                #expect(own[list]?[0]?[field] == nil, "\(field)")
            }
            let all = try test.plane.rollout(of: revision, for: .system).json
            #expect(all[list]?[0]?["version"] == "1.2" && all[list]?[0]?["zone"] == "eu-a")
        }
        withExtendedLifetime(stream) {}
    }

    @Test func `who has gone before the clock went back is given up on in time`() async throws {
        let (test, _, stream) = try await planeWithWorker()
        stream.close()
        test.clock.advance(by: .seconds(-86_400))
        test.plane.publisher.tick()
        let revision = try await change(test, port: 1)
        #expect(try test.plane.rollout(of: revision).state == .pending)
        test.clock.advance(by: Fleet.patience)
        test.plane.publisher.tick()
        #expect(try test.plane.rollout(of: revision).state == .complete)
    }

    @Test func `a later revision contains the earlier ones`() async throws {
        let (test, worker, stream) = try await planeWithWorker()
        let first = try await change(test, port: 1)
        let second = try await change(test, port: 2)
        #expect(try #require(try await stream.nextDelta()).revision == second)
        try test.plane.acknowledge(Acknowledgement(revision: second), worker: worker)
        #expect(try test.plane.rollout(of: first).state == .complete)
        withExtendedLifetime(stream) {}
    }

    @Test func `a revision that workers never see is applied with the one before it`() async throws {
        let (test, worker, stream) = try await planeWithWorker()
        let unseen = try await test.write(.create(.operator, body: ["name": "ops"])).revision
        #expect(try test.plane.rollout(of: unseen).state == .complete)
        let revision = try await change(test, port: 1)
        let alsoUnseen = try await test.write(.delete(.operator, name: "ops")).revision
        #expect(try test.plane.rollout(of: alsoUnseen).state == .pending)
        _ = try await stream.nextDelta()
        try test.plane.acknowledge(Acknowledgement(revision: revision), worker: worker)
        #expect(try test.plane.rollout(of: alsoUnseen).state == .complete)
    }

    @Test func `a refusal names the resource as operators know it, until a later revision is applied`() async throws {
        let (test, worker, stream) = try await planeWithWorker()
        let revision = try await change(test, port: 1)
        _ = try await stream.nextDelta()
        let reason = Acknowledgement.Reason(
            name: CompiledName(.cluster, tenant: "acme", name: "orders"), detail: "No port 1.")
        try test.plane.acknowledge(Acknowledgement(revision: revision, reasons: [reason]), worker: worker)
        let rollout = try test.plane.rollout(of: revision)
        #expect(rollout.state == .rejected)
        let rejection = try #require(rollout.rejected.first?.rejection)
        #expect(
            rejection.reasons == [
                .init(resource: ResourceKey(.service, tenant: "acme", name: "orders"), detail: "No port 1.")
            ])
        #expect(
            rollout.json["rejected"]?[0]?["rejection"]?["reasons"]?[0]?["resource"]
                == "/v1/tenants/acme/services/orders")

        let fixed = try await change(test, port: 2)
        #expect(try #require(try await stream.nextDelta()).revision == fixed)
        try test.plane.acknowledge(Acknowledgement(revision: fixed), worker: worker)
        #expect(try test.plane.rollout(of: revision).state == .complete)
        #expect(test.plane.workerStatus(of: worker.resource.id)?.rejection == nil)
    }

    @Test func `waiting ends with the last answer`() async throws {
        let (test, worker, stream) = try await planeWithWorker()
        let second = try await test.join("gw-2")
        let secondStream = try test.plane.openStream(worker: second, from: test.plane.revision)
        let revision = try await change(test, port: 1)
        let waiting = Task { try await test.plane.rollout(of: revision, timeout: .seconds(600)) }
        while test.plane.rolloutWaitCount == 0 { await Task.yield() }
        try test.plane.acknowledge(Acknowledgement(revision: revision), worker: worker)
        #expect(test.plane.rolloutWaitCount == 1)
        try test.plane.acknowledge(Acknowledgement(revision: revision), worker: second)
        #expect(try await waiting.value.applied.map(\.name) == ["gw-1", "gw-2"])
        #expect(test.plane.rolloutWaitCount == 0)
        withExtendedLifetime((stream, secondStream)) {}
    }

    @Test func `waiting ends where the worker is deleted, is long away, or time is up`() async throws {
        let (test, _, stream) = try await planeWithWorker()
        let revision = try await change(test, port: 1)
        #expect(try await test.plane.rollout(of: revision, timeout: .zero).state == .pending)
        #expect(try await test.plane.rollout(of: revision, timeout: .milliseconds(5)).state == .pending)
        #expect(test.plane.rolloutWaitCount == 0)

        let away = Task { try await test.plane.rollout(of: revision, timeout: .seconds(600)) }
        while test.plane.rolloutWaitCount == 0 { await Task.yield() }
        stream.close()
        test.plane.publisher.tick()
        #expect(test.plane.rolloutWaitCount == 1)
        test.clock.advance(by: Fleet.patience)
        test.plane.publisher.tick()
        let rollout = try await away.value
        #expect(rollout.state == .complete)
        #expect(rollout.pending.map(\.isConnected) == [false])

        let again = try test.plane.openStream(worker: test.plane.authenticateWorker("gw-1"), from: nil)
        let deleted = Task { try await test.plane.rollout(of: revision, timeout: .seconds(600)) }
        while test.plane.rolloutWaitCount == 0 { await Task.yield() }
        try await test.write(.delete(.worker, name: "gw-1"))
        #expect(try await deleted.value.pending.isEmpty)
        withExtendedLifetime(again) {}
    }

    @Test func `a cancelled wait leaves nothing behind`() async throws {
        let (test, _, stream) = try await planeWithWorker()
        let revision = try await change(test, port: 1)
        let waiting = Task { try await test.plane.rollout(of: revision, timeout: .seconds(600)) }
        while test.plane.rolloutWaitCount == 0 { await Task.yield() }
        waiting.cancel()
        _ = try await waiting.value
        #expect(test.plane.rolloutWaitCount == 0)
        withExtendedLifetime(stream) {}
    }

    @Test func `after a restart a worker is waited for, and counts with what it serves by once it is back`()
        async throws
    {
        let (test, worker, _) = try await planeWithWorker()
        let revision = test.plane.revision
        let again = try await test.restarted()
        #expect(try again.plane.rollout(of: revision).pending.map(\.name) == ["gw-1"])
        #expect(try again.plane.rollout(of: revision).state == .pending)
        let stream = try again.plane.openStream(worker: worker, from: revision)
        #expect(try again.plane.rollout(of: revision).applied.map(\.name) == ["gw-1"])
        withExtendedLifetime(stream) {}
    }

    @Test func `a worker that does not come back after a restart is waited for as long as one that left`() async throws
    {
        let (test, _, _) = try await planeWithWorker()
        let again = try await test.restarted()
        test.clock.advance(by: Fleet.patience - .milliseconds(1))
        #expect(try again.plane.rollout(of: test.plane.revision).state == .pending)
        test.clock.advance(by: .milliseconds(1))
        #expect(try again.plane.rollout(of: test.plane.revision).state == .complete)
    }

    @Test func `revisions that are not there yet are refused`() async throws {
        let (test, worker, stream) = try await planeWithWorker()
        let next = test.plane.revision + 1
        #expect(try await refusal { () throws(TurnpikeError) in try test.plane.rollout(of: next) }.code == .notFound)
        let error = try await refusal { () throws(TurnpikeError) in
            try test.plane.acknowledge(Acknowledgement(revision: next), worker: worker)
        }
        #expect(error.pointers == ["/revision"])
        withExtendedLifetime(stream) {}
    }

    @Test func `every write of a batch waits for the batch's outcome`() async throws {
        let (test, worker, stream) = try await planeWithWorker()
        let gate = Gate()
        let entered = Gate()
        test.store.beforeWriting {
            entered.open()
            await gate.pass()
        }
        async let first = change(test, port: 1)
        await entered.pass()
        async let second = change(test, port: 2)
        async let third = test.write(.create(.operator, body: ["name": "ops"]))
        while test.plane.commits.gatheredCount < 2 { await Task.yield() }
        gate.open()
        let revisions = [try await first, try await second, try await third.revision].sorted()
        for revision in revisions { #expect(try test.plane.rollout(of: revision).state == .pending) }
        try test.plane.acknowledge(Acknowledgement(revision: revisions[0]), worker: worker)
        #expect(try test.plane.rollout(of: revisions[0]).state == .complete)
        #expect(try test.plane.rollout(of: revisions[2]).state == .pending)
        try test.plane.acknowledge(Acknowledgement(revision: revisions[2]), worker: worker)
        #expect(try test.plane.rollout(of: revisions[2]).state == .complete)
        withExtendedLifetime(stream) {}
    }
}

extension ControlPlane {
    var rolloutWaitCount: Int { publisher.state.withLock { $0.rolloutWaits.count } }

    func authenticateWorker(_ name: String) throws -> Principal {
        .worker(try resource(.worker, tenant: nil, name: name))
    }
}
