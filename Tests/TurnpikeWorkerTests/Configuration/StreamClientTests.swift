// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry

@testable import TurnpikeWorker

/// Refuses configurations that hold a key named `bad`, and tells of the rest.
private final class RecordingSink: ConfigurationSink {
    let applied: AsyncStream<Snapshot>
    private let continuation: AsyncStream<Snapshot>.Continuation

    private let served: Mutex<Snapshot>

    init(serving snapshot: Snapshot) {
        (applied, continuation) = AsyncStream.makeStream()
        served = Mutex(snapshot)
    }

    func take(_ delta: Delta) async -> [Acknowledgement.Reason] {
        let bad = key("bad").name
        return served.withLock { served in
            var next = served
            next.apply(delta)
            guard next.resources[bad] == nil else { return [.init(name: bad, detail: "is bad")] }
            served = next
            continuation.yield(next)
            return []
        }
    }
}

extension RecordingSink {
    /// Three are left of the first, nothing is known of others.
    func answer(_ probe: Probe) async -> ProbeAnswer {
        ProbeAnswer(
            states: probe.subjects.indices.map { $0 == 0 ? .init(remaining: 3, resetAfterMillis: 40) : nil })
    }
}

/// Streams: each connection gets the next list of frames, and stays open.
private final class Streams: Sendable {
    private let waiting: Mutex<[[Frame]]>

    init(_ streams: [[Frame]]) { waiting = Mutex(streams) }

    func answer(_ request: FakeRequest) -> FakeReply {
        switch request.call {
        case "acknowledgements": return .empty(204)
        case "stream":
            guard let frames = waiting.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else { return .hangUp }
            let (stream, continuation) = AsyncStream<[UInt8]>.makeStream()
            // Cut into odd pieces, as a network does.
            let bytes = frames.flatMap(\.line)
            for start in stride(from: 0, to: bytes.count, by: 37) {
                continuation.yield(Array(bytes[start..<min(start + 37, bytes.count)]))
            }
            if frames.last == .revoked { continuation.finish() }
            return .stream(stream)
        default: return .problem(404, "no such call")
        }
    }
}

/// One stream, which goes on once the first acknowledgement has come.
private final class StagedStream: Sendable {
    private let bytes: AsyncStream<[UInt8]>
    private let continuation: AsyncStream<[UInt8]>.Continuation
    private let rest: Mutex<[Frame]>
    /// To the first acknowledgement.
    private let reply: FakeReply

    init(_ frames: [Frame], then rest: [Frame], reply: FakeReply = .empty(204)) {
        (bytes, continuation) = AsyncStream.makeStream()
        continuation.yield(frames.flatMap(\.line))
        self.rest = Mutex(rest)
        self.reply = reply
    }

    func answer(_ request: FakeRequest) -> FakeReply {
        guard request.call == "acknowledgements" else { return .stream(bytes) }
        let next = rest.withLock { rest in
            defer { rest = [] }
            return rest
        }
        guard !next.isEmpty else { return .empty(204) }
        continuation.yield(next.flatMap(\.line))
        return reply
    }
}

@Suite struct StreamClientTests {
    /// Runs a client against `answer` until `body` returns.
    ///
    /// - Returns: the configuration that is on disk in the end.
    @discardableResult
    private func follow(
        _ answer: @escaping FakeControlPlane.Answer, lastGood: Snapshot? = nil,
        _ body: (FakeControlPlane, RecordingSink) async throws -> Void
    ) async throws -> Snapshot? {
        try await withTemporaryDirectory { path in
            try await FakeControlPlane.run(answering: answer) { fake in
                try await withClient(of: fake, in: path) { client in
                    let sink = RecordingSink(serving: lastGood ?? Snapshot())
                    let store = LastGoodStore(path: path + "/last-good.ndjson", logger: quietLogger)
                    let stream = StreamClient(
                        client: client,
                        announcement: WorkerAnnouncement(version: "1", capabilities: [], addresses: []), sink: sink,
                        store: store, lastGood: lastGood?.revision, backOff: quickBackOff,
                        logger: quietLogger, metrics: MetricsRegistry()
                    )
                    let running = Task { await stream.run() }
                    let writing = Task { await store.run() }
                    try await body(fake, sink)
                    running.cancel()
                    await running.value
                    store.finish()
                    await writing.value
                    var kept = Snapshot()
                    return try await store.load { kept.apply($0) } ? kept : nil
                }
            }
        }
    }

    @Test func `deltas are applied, acknowledged and kept`() async throws {
        let staged = StagedStream(frames(1, isSnapshot: true, set: [key("a")]), then: frames(2, set: [key("b")]))
        let kept = try await follow({ staged.answer($0) }) { fake, sink in
            var applied = sink.applied.makeAsyncIterator()
            #expect(await applied.next() == snapshot(1, key("a")))
            #expect(await applied.next() == snapshot(2, key("a"), key("b")))
            await fake.wait { $0.count { $0.call == "acknowledgements" } >= 2 }
            #expect(fake.acknowledgements == [Acknowledgement(revision: 1), Acknowledgement(revision: 2)])
            #expect(fake.streamTargets == ["/v1/workers/\(testIdentity.id)/stream"])
            #expect(fake.requests.allSatisfy { $0.bearer == testIdentity.credential })
        }
        #expect(kept == snapshot(2, key("a"), key("b")))
    }

    @Test func `changes are applied while an acknowledgement is under way, and the newest is sent then`() async throws {
        let (held, release) = AsyncStream<[UInt8]>.makeStream()
        let staged = StagedStream(
            frames(1, isSnapshot: true, set: [key("a")]),
            then: frames(2, set: [key("b")]) + frames(3, set: [key("c")]), reply: .stream(held))
        try await follow({ staged.answer($0) }) { fake, sink in
            var applied = sink.applied.makeAsyncIterator()
            #expect(await applied.next() == snapshot(1, key("a")))
            #expect(await applied.next() == snapshot(2, key("a"), key("b")))
            #expect(await applied.next() == snapshot(3, key("a"), key("b"), key("c")))
            #expect(fake.acknowledgements == [Acknowledgement(revision: 1)])
            release.finish()
            await fake.wait { $0.acknowledgements.last == Acknowledgement(revision: 3) }
        }
    }

    @Test func `a rejected configuration is answered with its reasons and the next stream starts before it`()
        async throws
    {
        let streams = Streams([
            frames(2, set: [key("bad")]), frames(3, set: [key("good")]),
        ])
        try await follow({ streams.answer($0) }, lastGood: snapshot(1)) { fake, sink in
            var applied = sink.applied.makeAsyncIterator()
            #expect(await applied.next() == snapshot(3, key("good")))
            let path = "/v1/workers/\(testIdentity.id)/stream?revision=1"
            #expect(fake.streamTargets == [path, path])
            #expect(
                fake.acknowledgements.contains(
                    Acknowledgement(revision: 2, reasons: [.init(name: key("bad").name, detail: "is bad")])
                ))
        }
    }

    @Test func `a stream that breaks in a delta or talks nonsense is asked for again`() async throws {
        let half = Array(frames(2, set: [key("b")]).dropLast())
        let streams = Streams([half + [.begin(isSnapshot: false)], [.commit(9)], frames(2, set: [key("b")])])
        try await follow({ streams.answer($0) }, lastGood: snapshot(1, key("a"))) { fake, sink in
            var applied = sink.applied.makeAsyncIterator()
            #expect(await applied.next() == snapshot(2, key("a"), key("b")))
            #expect(fake.streamTargets.allSatisfy { $0.hasSuffix("?revision=1") })
            #expect(fake.streamTargets.count == 3)
        }
    }

    @Test(arguments: [401, 500, 503])
    func `a control plane that refuses is asked again, and the worker goes on serving`(status: Int) async throws {
        try await follow({ _ in .problem(status, "no") }, lastGood: snapshot(1)) { fake, _ in
            // A refused credential is tried once a minute at most; anything else at once.
            await fake.wait { $0.count { $0.call == "stream" } >= (status == 401 ? 1 : 3) }
            #expect(fake.streamTargets.allSatisfy { $0.hasSuffix("?revision=1") })
        }
    }
}

extension FakeControlPlane {
    fileprivate var streamTargets: [String] { requests.filter { $0.call == "stream" }.map(\.target) }

    fileprivate var acknowledgements: [Acknowledgement] { requests.acknowledgements }
}

extension [FakeRequest] {
    fileprivate var acknowledgements: [Acknowledgement] {
        filter { $0.call == "acknowledgements" }.compactMap { try? Acknowledgement(json: $0.body) }
    }
}
