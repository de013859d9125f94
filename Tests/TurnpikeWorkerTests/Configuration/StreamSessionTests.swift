// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeWorker

private let start = ContinuousClock.now

/// A story: what happens, and what the session is to make of it.
struct StreamStory: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var lastGood: Revision?
    var steps: [(StreamSession.Event, [StreamSession.Action])]
    /// What is served in the end.
    var serves: Revision?

    init(
        _ title: String, lastGood: Revision? = nil, serves: Revision? = nil,
        _ steps: (StreamSession.Event, [StreamSession.Action])...
    ) {
        testDescription = title
        self.lastGood = lastGood
        self.steps = steps
        self.serves = serves
    }
}

/// What changes, as frames bring it.
private let allOfA = Delta(revision: 3, isSnapshot: true, set: [key("a")], removed: [])
private let moreB = Delta(revision: 4, isSnapshot: false, set: [key("b")], removed: [])
private let allOfB = Delta(revision: 4, isSnapshot: true, set: [key("b")], removed: [])
private let lessA = Delta(revision: 4, isSnapshot: false, set: [], removed: [key("a").name])
private let lessC = Delta(revision: 6, isSnapshot: false, set: [], removed: [key("c").name])
private let nothing5 = Delta(revision: 5, isSnapshot: false, set: [], removed: [])
private let reason = Acknowledgement.Reason(name: key("b").name, detail: "no")

private let stories: [StreamStory] = [
    StreamStory(
        "a new worker asks for everything and serves it once it is whole", serves: 3,
        (.connecting, [.connect(from: nil)]), (.opened, []),
        (.frame(.begin(isSnapshot: true)), []), (.frame(.set(key("a"))), []), (.frame(.commit(3)), [.apply(allOfA)]),
        (.applied, [.acknowledge(Acknowledgement(revision: 3)), .persist(allOfA)])
    ),
    StreamStory(
        "a worker that knows a revision asks from it, and says that it serves it", lastGood: 3, serves: 4,
        (.connecting, [.connect(from: 3)]), (.opened, [.acknowledge(Acknowledgement(revision: 3))]),
        (.frame(.begin(isSnapshot: false)), []), (.frame(.set(key("b"))), []), (.frame(.commit(4)), [.apply(moreB)]),
        (.applied, [.acknowledge(Acknowledgement(revision: 4)), .persist(moreB)])
    ),
    StreamStory(
        "a snapshot makes the worker forget what it had", lastGood: 3, serves: 4,
        (.opened, [.acknowledge(Acknowledgement(revision: 3))]), (.frame(.begin(isSnapshot: true)), []),
        (.frame(.set(key("b"))), []), (.frame(.commit(4)), [.apply(allOfB)]),
        (.applied, [.acknowledge(Acknowledgement(revision: 4)), .persist(allOfB)])
    ),
    StreamStory(
        "what is rejected leaves the last good one, from which the next stream starts", lastGood: 3, serves: 3,
        (.opened, [.acknowledge(Acknowledgement(revision: 3))]), (.frame(.begin(isSnapshot: false)), []),
        (.frame(.set(key("b"))), []), (.frame(.commit(4)), [.apply(moreB)]),
        (.rejected([reason]), [.acknowledge(Acknowledgement(revision: 4, reasons: [reason])), .drop(.rejected(4))]),
        (.disconnected, [.reconnect(after: .zero)]), (.connecting, [.connect(from: 3)])
    ),
    StreamStory(
        "what comes while a change is applied becomes one change, and what is said of an older one counts for nothing",
        lastGood: 3, serves: 6,
        (.opened, [.acknowledge(Acknowledgement(revision: 3))]), (.frame(.begin(isSnapshot: false)), []),
        (.frame(.set(key("b"))), []), (.frame(.commit(4)), [.apply(moreB)]),
        (.frame(.begin(isSnapshot: false)), []), (.frame(.set(key("c"))), []), (.frame(.commit(5)), []),
        (.frame(.begin(isSnapshot: false)), []), (.frame(.remove(key("c").name)), []), (.frame(.commit(6)), []),
        (.applied, [.acknowledge(Acknowledgement(revision: 4)), .persist(moreB), .apply(lessC)]),
        (.acknowledged(Acknowledgement(revision: 3)), []),
        (.frame(.heartbeat(6)), [.acknowledge(Acknowledgement(revision: 4))]),
        (.acknowledged(Acknowledgement(revision: 4)), []), (.frame(.heartbeat(6)), []),
        (.applied, [.acknowledge(Acknowledgement(revision: 6)), .persist(lessC)])
    ),
    StreamStory(
        "what came while a change was applied that is rejected is dropped with it", lastGood: 3, serves: 3,
        (.opened, [.acknowledge(Acknowledgement(revision: 3))]), (.frame(.begin(isSnapshot: false)), []),
        (.frame(.set(key("b"))), []), (.frame(.commit(4)), [.apply(moreB)]),
        (.frame(.begin(isSnapshot: false)), []), (.frame(.commit(5)), []),
        (.rejected([reason]), [.acknowledge(Acknowledgement(revision: 4, reasons: [reason])), .drop(.rejected(4))]),
        (.disconnected, [.reconnect(after: .zero)]), (.connecting, [.connect(from: 3)]),
        (.opened, [.acknowledge(Acknowledgement(revision: 3))]),
        (.frame(.begin(isSnapshot: false)), []), (.frame(.commit(5)), [.apply(nothing5)])
    ),
    StreamStory(
        "half a delta is worth nothing", lastGood: 3, serves: 3,
        (.opened, [.acknowledge(Acknowledgement(revision: 3))]), (.frame(.begin(isSnapshot: false)), []),
        (.frame(.remove(key("a").name)), []), (.disconnected, [.reconnect(after: .zero)]),
        (.connecting, [.connect(from: 3)]), (.opened, [.acknowledge(Acknowledgement(revision: 3))]),
        (.frame(.begin(isSnapshot: false)), []), (.frame(.commit(5)), [.apply(nothing5)])
    ),
    StreamStory(
        "a removal removes", lastGood: 3, serves: 4,
        (.frame(.begin(isSnapshot: false)), []), (.frame(.remove(key("a").name)), []),
        (.frame(.commit(4)), [.apply(lessA)]),
        (.applied, [.acknowledge(Acknowledgement(revision: 4)), .persist(lessA)])
    ),
    StreamStory(
        "a delta for a worker that has nothing is refused",
        (.opened, []), (.frame(.begin(isSnapshot: false)), []),
        (
            .frame(.commit(4)),
            [
                .drop(.garbled("A delta came to a worker that has nothing to apply it to."))
            ]
        )
    ),
    StreamStory(
        "frames out of order end the connection", lastGood: 3, serves: 3,
        (.frame(.commit(4)), [.drop(.garbled("A commit came without a delta."))])
    ),
    StreamStory(
        "what is no frame ends the connection", lastGood: 3, serves: 3,
        (.garbled("A frame is not JSON."), [.drop(.garbled("A frame is not JSON."))])
    ),
    StreamStory(
        "an acknowledgement that was lost comes again with each heartbeat until it arrives", lastGood: 3, serves: 3,
        (.opened, [.acknowledge(Acknowledgement(revision: 3))]),
        (.frame(.heartbeat(3)), [.acknowledge(Acknowledgement(revision: 3))]),
        (.acknowledged(Acknowledgement(revision: 3)), []),
        (.frame(.heartbeat(3)), [])
    ),
    StreamStory(
        "a worker that is cut off goes on serving", lastGood: 3, serves: 3,
        (.opened, [.acknowledge(Acknowledgement(revision: 3))]), (.frame(.revoked), [.drop(.revoked)])
    ),
    StreamStory(
        "so does one whose credential is not known", lastGood: 3, serves: 3,
        (.connecting, [.connect(from: 3)]), (.unauthorized, [.drop(.unauthorized)])
    ),
]

@Suite struct StreamSessionTests {
    @Test(arguments: stories)
    func `the session does what the story says`(story: StreamStory) {
        var session = StreamSession(lastGood: story.lastGood, backOff: BackOff(base: .zero, cap: .zero))
        var random = SeededGenerator(seed: 1)
        for (index, (event, actions)) in story.steps.enumerated() {
            #expect(session.handle(event, at: start, using: &random) == actions, "step \(index): \(event)")
        }
        #expect(session.lastGood == story.serves)
    }

    @Test func `three heartbeats of silence end a connection, any frame keeps it`() {
        var session = StreamSession(lastGood: 3)
        var random = SeededGenerator(seed: 1)
        let silence = StreamSession.longestSilence
        #expect(silence == Frame.heartbeatInterval * 3)
        _ = session.handle(.connecting, at: start, using: &random)
        #expect(session.handle(.tick, at: start + silence - .milliseconds(1), using: &random) == [])
        _ = session.handle(.opened, at: start + .seconds(1), using: &random)
        #expect(session.handle(.tick, at: start + silence, using: &random) == [])
        _ = session.handle(.frame(.heartbeat(3)), at: start + .seconds(10), using: &random)
        #expect(session.handle(.tick, at: start + .seconds(10) + silence - .milliseconds(1), using: &random) == [])
        #expect(session.handle(.tick, at: start + .seconds(10) + silence, using: &random) == [.drop(.silence)])
        _ = session.handle(.disconnected, at: start + .seconds(30), using: &random)
        #expect(session.deadline == nil)
        #expect(session.handle(.tick, at: start + .seconds(100), using: &random) == [])
    }

    @Test func `waits grow with each failure and begin anew when the stream has proved itself`() {
        var session = StreamSession(lastGood: 3)
        var random = MaximumGenerator()
        var waits: [Duration] = []
        for _ in 0..<9 { waits += session.wait(using: &random) }
        let bounds: [Int64] = [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]
        #expect(waits == bounds.map { .milliseconds($0) })

        _ = session.handle(.opened, at: start, using: &random)
        #expect(session.wait(using: &random) == [.seconds(10)])
        _ = session.handle(.frame(.heartbeat(3)), at: start, using: &random)
        #expect(session.wait(using: &random) == [.milliseconds(100)])
    }

    @Test func `after a stream that was ended in good order the worker comes back at once`() {
        var session = StreamSession(lastGood: 3)
        var random = MaximumGenerator()
        for _ in 0..<9 { _ = session.wait(using: &random) }
        #expect(session.handle(.ended, at: start, using: &random) == [])
        #expect(session.wait(using: &random) == [.milliseconds(100)])
        #expect(session.wait(using: &random) == [.milliseconds(200)])
    }

    @Test func `a configuration that is rejected again and again is asked for ever more rarely`() {
        var session = StreamSession(lastGood: 3)
        var random = MaximumGenerator()
        var waits: [Duration] = []
        for _ in 0..<4 {
            for frame in frames(4, set: [key("b")]) { _ = session.handle(.frame(frame), at: start, using: &random) }
            _ = session.handle(.rejected([reason]), at: start, using: &random)
            waits += session.wait(using: &random)
        }
        #expect(waits == [100, 200, 400, 800].map { .milliseconds($0) })
    }

    @Test(arguments: [StreamSession.Event.frame(.revoked), .unauthorized])
    func `a worker that was cut off asks rarely until it is taken in again`(event: StreamSession.Event) {
        var session = StreamSession(lastGood: 3)
        var random = MaximumGenerator()
        _ = session.handle(event, at: start, using: &random)
        #expect(session.wait(using: &random) == [.seconds(60)])
        #expect(session.wait(using: &random) == [.seconds(60)])
        _ = session.handle(.opened, at: start, using: &random)
        #expect(session.wait(using: &random) == [.milliseconds(100)])
    }
}

extension StreamSession {
    fileprivate mutating func wait(using random: inout some RandomNumberGenerator) -> [Duration] {
        handle(.disconnected, at: start, using: &random).compactMap {
            if case .reconnect(let delay) = $0 { delay } else { nil }
        }
    }
}

/// Draws the upper end of every range.
private struct MaximumGenerator: RandomNumberGenerator {
    mutating func next() -> UInt64 { .max }
}
