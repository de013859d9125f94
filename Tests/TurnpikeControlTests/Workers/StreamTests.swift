// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct StreamTests {
    @Test func `a worker that has nothing gets a snapshot, even an empty one`() async throws {
        let test = try await TestPlane.start()
        let stream = try test.plane.openStream(worker: try await test.join(), from: nil)
        let delta = try #require(try await stream.nextDelta())
        #expect(delta == Delta(revision: test.plane.revision, isSnapshot: true, set: [], removed: []))
    }

    @Test func `then it gets what each write changes`() async throws {
        let test = try await TestPlane.start()
        let stream = try test.plane.openStream(worker: try await test.join(), from: nil)
        var state = Snapshot()
        state.apply(try #require(try await stream.nextDelta()))
        async let next = stream.nextDelta()
        try await test.seed()
        state.apply(try #require(try await next))
        while state.revision < test.plane.revision { state.apply(try #require(try await stream.nextDelta())) }
        #expect(Set(state.resources.keys.map(\.description)) == ["cluster/acme/orders", "route/acme/orders"])

        try await test.write(.delete(.route, tenant: "acme", name: "orders"))
        let removal = try #require(try await stream.nextDelta())
        #expect(removal.removed.map(\.description) == ["route/acme/orders"])
        #expect(removal.set.isEmpty)
        #expect(!removal.isSnapshot)
        #expect(removal.revision == test.plane.revision)
    }

    @Test func `a shutdown lets streams give out what was written last`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let (entered, gate) = (Gate(), Gate())
        let stream = try test.plane.openStream(worker: try await test.join(), from: nil)
        _ = try await stream.nextDelta()
        test.store.beforeWriting {
            entered.open()
            await gate.pass()
        }
        let write = Task {
            try await test.write(.put(.service, tenant: "acme", name: "orders", body: Body.service(port: 7))).revision
        }
        await entered.pass()
        let shutdown = Task { await test.plane.shutDown() }
        try await until("the control plane takes no more") { !test.plane.obstacles.isEmpty }
        gate.open()
        let delta = try await stream.nextDelta()
        #expect(try await delta?.revision == write.value)
        #expect(try await stream.nextDelta() == nil)
        await shutdown.value
    }

    @Test func `a slow worker gets the newest state, never a backlog`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let stream = try test.plane.openStream(worker: try await test.join(), from: nil)
        _ = try await stream.nextDelta()
        for port in 1...20 {
            try await test.write(.put(.service, tenant: "acme", name: "orders", body: Body.service(port: Int64(port))))
        }
        try await test.write(.put(.service, tenant: "acme", name: "other", body: Body.service()))
        try await test.write(.delete(.service, tenant: "acme", name: "other"))
        let delta = try #require(try await stream.nextDelta())
        #expect(delta.revision == test.plane.revision)
        #expect(delta.set.count == 1)
        guard case .cluster(let cluster)? = delta.set.first else {
            Issue.record("The cluster changed.")
            return
        }
        #expect(cluster.endpoints.map(\.port) == [20])
    }

    @Test(arguments: [false, true])
    func `from a known revision a worker gets only what differs`(isRestarted: Bool) async throws {
        var test = try await TestPlane.start()
        try await test.seed()
        let worker = try await test.join("gw-1")
        let known = test.plane.revision
        try await test.write(.put(.service, tenant: "acme", name: "orders", body: Body.service(port: 9002)))
        if isRestarted { test = try await test.restarted() }
        let delta = try #require(try await test.plane.openStream(worker: worker, from: known).nextDelta())
        #expect(!delta.isSnapshot)
        #expect(delta.set.map(\.name.description) == ["cluster/acme/orders"])
    }

    @Test func `from an unknown revision it gets a snapshot`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let worker = try await test.join()
        let delta = try #require(try await test.plane.openStream(worker: worker, from: 1_000_000).nextDelta())
        #expect(delta.isSnapshot)
        #expect(delta.set.count == 2)
    }

    @Test func `where nothing differs it hears at once that the control plane is there`() async throws {
        let test = try await TestPlane.start()
        let worker = try await test.join()
        let stream = try test.plane.openStream(worker: worker, from: test.plane.revision)
        #expect(await stream.next() == [.heartbeat(test.plane.revision)])
    }

    @Test func `what data planes never see makes no delta`() async throws {
        let test = try await TestPlane.start()
        let stream = try test.plane.openStream(worker: try await test.join(), from: nil)
        _ = try await stream.nextDelta()
        try await test.write(.create(.operator, body: ["name": "ops"]))
        try await test.write(.create(.tenant, body: ["name": "acme"]))
        for _ in 0..<StreamState.ticksToHeartbeat { test.plane.publisher.tick() }
        #expect(await stream.next() == [.heartbeat(test.plane.revision)])
    }

    @Test func `silence is filled with heartbeats`() async throws {
        let test = try await TestPlane.start()
        let stream = try test.plane.openStream(worker: try await test.join(), from: nil)
        _ = try await stream.nextDelta()
        for _ in 1...3 {
            async let next = stream.next()
            while !test.plane.isWaitingForNews { await Task.yield() }
            for _ in 1..<StreamState.ticksToHeartbeat { test.plane.publisher.tick() }
            #expect(test.plane.isWaitingForNews)
            test.plane.publisher.tick()
            #expect(await next == [.heartbeat(test.plane.revision)])
        }
    }

    @Test func `a deleted worker is told so and its stream ends`() async throws {
        let test = try await TestPlane.start()
        let worker = try await test.join("gw-1")
        let stream = try test.plane.openStream(worker: worker, from: nil)
        _ = try await stream.nextDelta()
        async let next = stream.next()
        try await test.write(.delete(.worker, name: "gw-1"))
        #expect(await next == [.revoked])
        #expect(await stream.next() == nil)
        let error = try await refusal { () throws(TurnpikeError) in try test.plane.openStream(worker: worker, from: nil)
        }
        #expect(error.code == .unauthenticated)
        #expect(test.plane.workerStatus(of: worker.resource.id) == nil)
    }

    @Test func `a worker whose credentials have run out is cut off`() async throws {
        let test = try await TestPlane.start()
        let stream = try test.plane.openStream(worker: try await test.join(), from: nil)
        _ = try await stream.nextDelta()
        async let next = stream.next()
        test.clock.advance(by: ControlPlane.credentialLifetime)
        test.plane.publisher.tick()
        #expect(await next == [.revoked])
        #expect(await stream.next() == nil)
    }

    @Test func `a newer stream of the same worker ends the older one`() async throws {
        let test = try await TestPlane.start()
        let worker = try await test.join()
        let older = try test.plane.openStream(worker: worker, from: nil)
        _ = try await older.nextDelta()
        async let ending = older.next()
        let newer = try test.plane.openStream(worker: worker, from: nil)
        #expect(await ending == nil)
        older.close()
        #expect(try await newer.nextDelta()?.isSnapshot == true)
        #expect(test.plane.workerStatus(of: worker.resource.id)?.isConnected == true)
        newer.close()
        #expect(test.plane.workerStatus(of: worker.resource.id)?.isConnected == false)
    }

    @Test func `cancelling who waits ends the stream, and so does shutting down`() async throws {
        let test = try await TestPlane.start()
        let worker = try await test.join()
        let stream = try test.plane.openStream(worker: worker, from: nil)
        _ = try await stream.nextDelta()
        let waiting = Task { await stream.next() }
        while !test.plane.isWaitingForNews { await Task.yield() }
        waiting.cancel()
        #expect(await waiting.value == nil)
        #expect(test.plane.workerStatus(of: worker.resource.id)?.isConnected == false)

        let second = try test.plane.openStream(worker: worker, from: nil)
        _ = try await second.nextDelta()
        async let ending = second.next()
        await test.plane.shutDown()
        #expect(await ending == nil)
        let error = try await refusal { () throws(TurnpikeError) in try test.plane.openStream(worker: worker, from: nil)
        }
        #expect(error.code == .draining)
    }

    @Test func `one caller at a time takes frames`() async throws {
        let test = try await TestPlane.start()
        let stream = try test.plane.openStream(worker: try await test.join(), from: nil)
        _ = try await stream.nextDelta()
        async let first = stream.next()
        while !test.plane.isWaitingForNews { await Task.yield() }
        #expect(await stream.next() == nil)
        for _ in 0..<StreamState.ticksToHeartbeat { test.plane.publisher.tick() }
        #expect(await first == [.heartbeat(test.plane.revision)])
    }

    @Test func `a large snapshot comes in pieces of one revision while the state moves on`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let keys = (0..<2500).map {
            ["kind": "apiKey", "tenant": "acme", "name": .string("k\($0)"), "spec": [:]] as JSON
        }
        try await test.apply(["resources": .array(keys)])
        let worker = try await test.join()
        let revision = test.plane.revision
        let stream = try test.plane.openStream(worker: worker, from: nil)
        var frames: [Frame] = []
        var state = Snapshot()
        var assembler = DeltaAssembler()
        while let piece = await stream.next() {
            #expect(piece.count <= 1001)
            frames += piece
            if frames.count < 1500 { try await test.write(.delete(.apiKey, tenant: "acme", name: "k\(frames.count)")) }
            if case .commit? = piece.last { break }
        }
        #expect(frames.last == .commit(revision))
        for frame in frames { if let delta = try assembler.take(frame) { state.apply(delta) } }
        #expect(state.resources.count == 2502)
        let next = try #require(try await stream.nextDelta())
        #expect(!next.removed.isEmpty && next.set.isEmpty)
        state.apply(next)
        #expect(state.resources.count == 2502 - next.removed.count)
        #expect(state.revision == test.plane.revision)
    }

    @Test func `after a refusal the next delta leads on from what the worker serves by`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let worker = try await test.join()
        let stream = try test.plane.openStream(worker: worker, from: nil)
        let applied = try #require(try await stream.nextDelta()).revision
        try test.plane.acknowledge(Acknowledgement(revision: applied), worker: worker)
        let bad = try await test.write(.put(.service, tenant: "acme", name: "bad", body: Body.service())).revision
        _ = try await stream.nextDelta()
        let reason = Acknowledgement.Reason(name: CompiledName(.cluster, tenant: "acme", name: "bad"), detail: "No.")
        try test.plane.acknowledge(Acknowledgement(revision: bad, reasons: [reason]), worker: worker)
        try await test.write(.put(.service, tenant: "acme", name: "good", body: Body.service()))
        let delta = try #require(try await stream.nextDelta())
        #expect(Set(delta.set.map(\.name.name)) == ["bad", "good"])
    }
}

extension ControlPlane {
    /// Whether every open stream has a caller who waits.
    var isWaitingForNews: Bool {
        publisher.state.withLock { state in state.streams.values.allSatisfy { $0.caller != nil } }
    }
}
