// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct DrainTests {
    @Test func `a stream that is idle ends at once, and its worker counts as gone`() async throws {
        let test = try await TestPlane.start()
        let worker = try await test.join()
        let stream = try test.plane.openStream(worker: worker, from: nil)
        _ = try await stream.nextDelta()
        async let ending = stream.next()
        while !test.plane.isWaitingForNews { await Task.yield() }
        test.plane.publisher.drain()
        #expect(await ending == nil)
        #expect(test.plane.workerStatus(of: worker.resource.id)?.isConnected == false)
    }

    @Test func `a snapshot that is under way is given out whole`() async throws {
        let (test, stream) = try await beginSnapshot()
        let shutdown = Task { await test.plane.shutDown() }
        try await until("streams are drained") { test.plane.publisher.isDraining }
        var frames: [Frame] = []
        while let more = await stream.next() { frames += more }
        #expect(frames.last == .commit(test.plane.revision))
        await shutdown.value
    }

    @Test func `a stream that nobody reads does not hold a shutdown up`() async throws {
        let (test, stream) = try await beginSnapshot()
        await test.plane.shutDown(within: .milliseconds(50))
        #expect(await stream.next() == nil)
    }

    @Test func `who watches the log comes to its end, and is given all of it before`() async throws {
        let test = try await TestPlane.start()
        let feed = try test.plane.changes(
            after: 0, tenant: nil, kind: nil, isWatching: true, for: .system, holder: test.operator)
        test.plane.publisher.drain()
        var position = feed.start
        guard case .records? = try await feed.next(after: &position) else {
            Issue.record("What was there is not given out.")
            return
        }
        #expect(position == test.plane.revision)
        #expect(try await feed.next(after: &position) == nil)
    }

    @Test func `an announced shutdown is an obstacle, and writes are taken still`() async throws {
        let test = try await TestPlane.start()
        test.plane.announceShutdown()
        #expect(test.plane.obstacles == ["It is shutting down."])
        try await test.seed()
        await test.plane.shutDown()
        let error = try await refusal { () throws(TurnpikeError) in try await test.seed("other", host: "b.test") }
        #expect(error.code == .draining && error.retryAfter != nil)
    }

    /// A snapshot of several pieces, of which a worker has taken the first.
    private func beginSnapshot() async throws -> (TestPlane, WorkerStream) {
        let test = try await TestPlane.start()
        try await test.seed()
        let keys = (0..<2 * StreamState.chunk).map {
            ["kind": "apiKey", "tenant": "acme", "name": .string("k\($0)"), "spec": [:]] as JSON
        }
        try await test.apply(["resources": .array(keys)])
        let stream = try test.plane.openStream(worker: try await test.join(), from: nil)
        #expect(await stream.next()?.first == .begin(isSnapshot: true))
        return (test, stream)
    }
}
