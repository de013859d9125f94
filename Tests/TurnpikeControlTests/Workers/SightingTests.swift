// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct SightingTests {
    private static let announcement = WorkerAnnouncement(
        version: "1.2.3", capabilities: ["quota"], addresses: ["192.0.2.7:8000"], zone: "eu-1a")

    @Test func `a worker that is away is remembered over a restart`() async throws {
        let test = try await TestPlane.start()
        let worker = try await test.join()
        let stream = try test.plane.openStream(worker: worker, from: nil, Self.announcement)
        _ = try await stream.nextDelta()
        test.clock.advance(by: .seconds(90))
        stream.close()
        let seen = test.clock.now
        await test.plane.shutDown()
        test.clock.advance(by: .seconds(3600))

        let next = try await test.restarted()
        let status = try #require(next.plane.workerStatus(of: worker.resource.id))
        #expect(status.lastSeen == seen && status.announcement == Self.announcement)
        #expect(!status.isConnected && status.appliedRevision == nil)
        // It counts as on its way back all the same, like any other after a restart.
        #expect(try next.plane.publisher.rollout(of: next.plane.revision).awaited == [worker.resource.id])
        // What it cannot do is asked for only while it is there.
        let lacking = next.plane.publisher.state.withLock { $0.fleet.lacking }
        #expect(lacking.isEmpty)
    }

    @Test func `sightings are saved with maintenance, once each, and none with every report`() async throws {
        let test = try await TestPlane.start()
        let worker = try await test.join()
        let stream = try test.plane.openStream(worker: worker, from: nil, Self.announcement)
        let first = test.clock.now
        #expect(try await test.store.sightings().isEmpty)
        test.store.beforeMaintaining { throw HookedStore.Failure() }
        await test.plane.noteSightings()
        test.store.beforeMaintaining(nil)
        await test.plane.maintain()
        let expected = WorkerSighting(at: first, announcement: Self.announcement)
        #expect(try await test.store.sightings() == [worker.resource.id: expected])
        #expect(test.plane.publisher.unsavedSightings.isEmpty)
        test.clock.advance(by: .seconds(1))
        try test.plane.acknowledge(Acknowledgement(revision: test.plane.revision), worker: worker)
        #expect(test.plane.publisher.unsavedSightings.keys.first == worker.resource.id)
        stream.close()
    }
}
