// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct ProbeTests {
    private let able = WorkerAnnouncement(
        version: "1", capabilities: Set(Capability.allCases.map(\.rawValue)), addresses: [])
    private let subject = Probe.Subject(policy: ResourceID(high: 1, low: 2), subject: ResourceID(high: 3, low: 4))

    /// The next probe on a stream.
    private func probe(on stream: WorkerStream) async -> Probe? {
        while let frames = await stream.next() {
            for case .probe(let probe) in frames { return probe }
        }
        return nil
    }

    @Test func `every worker that can is asked, and all answers come together`() async throws {
        let test = try await TestPlane.start()
        let (one, two) = (try await test.join("one"), try await test.join("two"))
        let unable = try test.plane.openStream(worker: try await test.join("unable"), from: nil)
        let streams = [
            (one, try test.plane.openStream(worker: one, from: nil, able)),
            (two, try test.plane.openStream(worker: two, from: nil, able)),
        ]
        async let answers = test.plane.publisher.probe([subject], timeout: .seconds(30))
        for (place, (worker, stream)) in streams.enumerated() {
            let probe = try #require(await probe(on: stream))
            #expect(probe.subjects == [subject])
            // An answer to another probe, and a second one, change nothing.
            try test.plane.take(ProbeAnswer(states: []), to: probe.id + 1, worker: worker)
            let answer = ProbeAnswer(states: [.init(remaining: Int64(place), resetAfterMillis: 5)])
            try test.plane.take(answer, to: probe.id, worker: worker)
            try test.plane.take(ProbeAnswer(states: []), to: probe.id, worker: worker)
        }
        let taken = await answers
        #expect(taken.map(\.worker.name) == ["one", "two"])
        #expect(taken.map { $0.states.first??.remaining } == [0, 1])
        withExtendedLifetime(unable) {}
    }

    @Test func `who does not answer in time is left out, and who answers nonsense too`() async throws {
        let test = try await TestPlane.start()
        let (late, odd) = (try await test.join("late"), try await test.join("odd"))
        let lateStream = try test.plane.openStream(worker: late, from: nil, able)
        let oddStream = try test.plane.openStream(worker: odd, from: nil, able)
        async let answers = test.plane.publisher.probe([subject], timeout: .milliseconds(50))
        let probe = try #require(await probe(on: oddStream))
        try test.plane.take(ProbeAnswer(states: [nil, nil]), to: probe.id, worker: odd)
        #expect(await answers.isEmpty)
        withExtendedLifetime(lateStream) {}
    }

    @Test func `nobody is waited for where nobody can be asked`() async throws {
        let test = try await TestPlane.start()
        #expect(await test.plane.publisher.probe([subject], timeout: .seconds(30)).isEmpty)
        await test.plane.shutDown()
        #expect(await test.plane.publisher.probe([subject], timeout: .seconds(30)).isEmpty)
    }
}
