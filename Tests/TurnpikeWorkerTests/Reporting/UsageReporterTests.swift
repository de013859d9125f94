// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Synchronization
import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry
import TurnpikeTestSupport

@testable import TurnpikeProxy
@testable import TurnpikeWorker

/// A control plane whose network loses answers, loses requests, repeats and reorders batches, all by a seed.
private final class LossyLedger: Sendable {
    struct State {
        var ledger = Ledger()
        var random: SeededGenerator
        var seen: [UsageBatch] = []
        var taken: [Epoch: Int64] = [:]
        var ended: Set<Epoch> = []
        var hasGap = false
    }

    let state: Mutex<State>

    init(seed: UInt64) { state = Mutex(State(random: SeededGenerator(seed: seed))) }

    func answer(_ request: FakeRequest) -> FakeReply {
        guard request.call == "usage", let batch = try? UsageBatch(json: request.body) else {
            return .problem(422, "no batch")
        }
        return state.withLock { state in
            switch Int.random(in: 0..<8, using: &state.random) {
            case 0: return .hangUp
            case 1: return .problem(503, "too busy")
            case 2:
                state.take(batch)
                return .hangUp
            case 3:
                // An answer to an earlier batch.
                state.take(batch)
                return .json(200, UsageReceipt(epoch: batch.epoch, sequence: batch.sequence - 1).json)
            case 4:
                if let old = state.seen.randomElement(using: &state.random) { state.take(old) }
                state.take(batch)
            default: state.take(batch)
            }
            return .json(200, UsageReceipt(epoch: batch.epoch, sequence: state.taken[batch.epoch] ?? 0).json)
        }
    }
}

extension LossyLedger.State {
    mutating func take(_ batch: UsageBatch) {
        seen.append(batch)
        ledger.take(batch)
        let last = taken[batch.epoch] ?? 0
        if batch.sequence > last + 1 { hasGap = true }
        taken[batch.epoch] = max(last, batch.sequence)
        if batch.isFinal { ended.insert(batch.epoch) }
    }
}

/// A clock that a test sets, in whole minutes.
private final class MinuteClock: Sendable {
    let minute: Atomic<Int64>

    init(_ minute: Int64) { self.minute = Atomic(minute) }

    var now: Timestamp { Timestamp(seconds: minute.load(ordering: .relaxed) * 60) }
}

@Suite struct UsageReporterTests {
    private func reporter(_ client: ControlPlaneClient) -> UsageReporter {
        UsageReporter(
            uplink: client, interval: .milliseconds(1), backOff: quickBackOff,
            unreported: UnreportedUsage(MetricsRegistry()), logger: quietLogger)
    }

    private func liveEpoch(in path: String, _ clock: MinuteClock = MinuteClock(100)) async throws -> LiveEpoch {
        let loop = NIOLoop(eventLoop: MultiThreadedEventLoopGroup.singleton.next())
        return try await loop.submit {
            LiveEpoch(try makeJournal(in: path, journalLimits(entries: 7)), on: loop) { clock.now }
        }
    }

    @Test(arguments: [UInt64(21), 22, 23, 24])
    func `the ledger holds exactly what was recorded, whatever the network does`(seed: UInt64) async throws {
        let ledger = LossyLedger(seed: seed)
        try await withTemporaryDirectory { path in
            try await FakeControlPlane.run(answering: { ledger.answer($0) }) { fake in
                try await withClient(of: fake, in: path) { client in
                    let clock = MinuteClock(90)
                    let source = try await liveEpoch(in: path, clock)
                    let reporter = reporter(client)
                    let following = Task { await reporter.follow(source) }
                    var random = SeededGenerator(seed: seed)
                    var recorded = Ledger()
                    for step in 0..<400 {
                        clock.minute.store(Int64(90 + step / 40), ordering: .relaxed)
                        let next = RecordedStep.random(minute: Int64(90 + step / 40), using: &random)
                        recorded.record(next)
                        try await source.record(next)
                    }
                    following.cancel()
                    await following.value
                    try await reporter.finish(source)
                    ledger.state.withLock { state in
                        let isExact = state.ledger == recorded
                        #expect(isExact, "seed \(seed)")
                        #expect(state.ended == [testEpoch] && !state.hasGap, "seed \(seed)")
                    }
                    #expect(try JournalDirectory(path).epochs() == [])
                }
            }
        }
    }

    @Test(arguments: [UInt64(31), 32, 33])
    func `an epoch of a process that died is delivered once and removed`(seed: UInt64) async throws {
        let ledger = LossyLedger(seed: seed)
        try await withTemporaryDirectory { path in
            var recorded = Ledger()
            var random = SeededGenerator(seed: seed)
            do {
                let journal = try makeJournal(in: path)
                for _ in 0..<200 {
                    let next = RecordedStep.random(using: &random)
                    recorded.record(next)
                    next.apply(to: journal)
                }
                // Made, numbered and perhaps sent; the process did not live to know.
                _ = journal.nextBatch(isClosing: false)
            }
            try await FakeControlPlane.run(answering: { ledger.answer($0) }) { fake in
                try await withClient(of: fake, in: path) { client in
                    try await reporter(client).finish(try recover(in: path, entries: 9))
                }
            }
            ledger.state.withLock { state in
                let isExact = state.ledger == recorded
                #expect(isExact, "seed \(seed)")
                #expect(state.ended == [testEpoch] && !state.hasGap, "seed \(seed)")
            }
            #expect(try JournalDirectory(path).epochs() == [])
        }
    }

    @Test func `while the control plane is away the journal stays for the next start`() async throws {
        try await withTemporaryDirectory { path in
            try await FakeControlPlane.run(answering: { _ in .problem(503, "away") }) { fake in
                try await withClient(of: fake, in: path) { client in
                    let source = try await liveEpoch(in: path)
                    try await source.record(.usage(series(1), UsageCounters(requests: 3)))
                    let finishing = Task { [reporter = reporter(client)] in try await reporter.finish(source) }
                    await fake.wait { $0.count >= 3 }
                    finishing.cancel()
                    await #expect(throws: CancellationError.self) { try await finishing.value }
                }
            }
            var ledger = Ledger()
            for batch in try await recover(in: path).batches() { ledger.take(batch) }
            #expect(ledger.usage == [series(1): UsageCounters(requests: 3)])
        }
    }
}

extension LiveEpoch {
    /// As a gateway does it, on the journal's event loop.
    fileprivate func record(_ step: RecordedStep) async throws {
        try await withJournal { step.apply(to: $0) }
    }
}
