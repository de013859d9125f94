// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeWorker

private let one = UsageCounters(requests: 1, bytesIn: 10, bytesOut: 100, units: 1)

private func minute(_ number: Int64) -> Timestamp { Timestamp(seconds: number * 60) }

private func receipt(_ batch: UsageBatch) -> UsageReceipt { UsageReceipt(epoch: batch.epoch, sequence: batch.sequence) }

@Suite struct UsageJournalTests {
    @Test func `a batch carries running totals of what has changed`() async throws {
        try await withTemporaryDirectory { path in
            let journal = try makeJournal(in: path)
            journal.record(series(1), one)
            journal.record(series(1), one)
            journal.record(series(2), one)
            journal.recordConsumption(lease(1), units: 7)
            journal.recordRelease(lease(1), units: 3)
            let first = try #require(journal.nextBatch(isClosing: false))
            #expect(first.sequence == 1 && first.epoch == testEpoch && !first.isFinal)
            #expect(first.series.map(\.counters.requests) == [2, 1])
            #expect(first.consumption == [UsageBatch.Consumption(key: lease(1), consumed: 7, released: 3)])
            journal.release(receipt(first), now: minute(100))

            #expect(journal.nextBatch(isClosing: false) == nil)
            journal.record(series(2), one)
            let second = try #require(journal.nextBatch(isClosing: false))
            #expect(second.sequence == 2)
            #expect(second.series.map(\.counters) == [UsageCounters(requests: 2, bytesIn: 20, bytesOut: 200, units: 2)])
        }
    }

    @Test func `a batch without its receipt comes again under its number`() async throws {
        try await withTemporaryDirectory { path in
            let journal = try makeJournal(in: path)
            journal.record(series(1), one)
            let batch = try #require(journal.nextBatch(isClosing: false))
            journal.record(series(1), one)
            #expect(journal.nextBatch(isClosing: false) == batch)
            journal.release(UsageReceipt(epoch: testEpoch, sequence: 0), now: minute(100))
            journal.release(UsageReceipt(epoch: testEpoch + 1, sequence: 1), now: minute(100))
            #expect(journal.nextBatch(isClosing: true) == batch)
            journal.release(receipt(batch), now: minute(100))
            #expect(journal.nextBatch(isClosing: false)?.series.map(\.counters.requests) == [2])
        }
    }

    @Test func `slots of delivered minutes serve other series`() async throws {
        try await withTemporaryDirectory { path in
            let journal = try makeJournal(in: path, journalLimits(slots: 64, segments: 1))
            var ledger = Ledger()
            for step in 0..<50 {
                let now = Int64(100 + step)
                for number in 0..<10 { journal.record(series(number, minute: now), one) }
                journal.deliver(to: &ledger, now: minute(now))
                #expect(journal.canRecord)
            }
            #expect(journal.freeSlots >= 64 - 30)
            #expect(ledger.usage.count == 500)
            #expect(ledger.usage.values.allSatisfy { $0 == one })
        }
    }

    @Test func `a slot is not freed before its newest total is receipted`() async throws {
        try await withTemporaryDirectory { path in
            let journal = try makeJournal(in: path)
            journal.record(series(1, minute: 100), one)
            let batch = try #require(journal.nextBatch(isClosing: false))
            journal.record(series(1, minute: 100), one)
            journal.release(receipt(batch), now: minute(200))
            var ledger = Ledger()
            journal.deliver(to: &ledger, now: minute(200))
            #expect(ledger.usage[series(1, minute: 100)]?.requests == 2)
            #expect(journal.freeSlots == journal.capacity)
        }
    }

    @Test func `what comes late for a closed minute counts in the earliest open one`() async throws {
        try await withTemporaryDirectory { path in
            let journal = try makeJournal(in: path)
            var ledger = Ledger()
            journal.record(series(1, minute: 100), one)
            journal.deliver(to: &ledger, now: minute(103))
            journal.record(series(1, minute: 100), one)
            journal.record(series(1, minute: 99), one)
            journal.deliver(to: &ledger, now: minute(103))
            #expect(ledger.usage[series(1, minute: 100)]?.requests == 1)
            #expect(ledger.usage[series(1, minute: 101)]?.requests == 2)
            #expect(ledger.usage[series(1, minute: 99)] == nil)
        }
    }

    @Test func `a replaced lease keeps its slot for a quarter of an hour`() async throws {
        try await withTemporaryDirectory { path in
            let journal = try makeJournal(in: path)
            let start = testEpoch / 60_000
            var ledger = Ledger()
            journal.recordConsumption(lease(1, period: 0), units: 5)
            journal.recordConsumption(lease(1, period: 3600), units: 1)
            journal.deliver(to: &ledger, now: minute(start + 14))
            #expect(journal.freeSlots == journal.capacity - 2)
            journal.recordRelease(lease(1, period: 0), units: 2)
            journal.deliver(to: &ledger, now: minute(start + 15))
            #expect(journal.freeSlots == journal.capacity - 1)
            journal.recordConsumption(lease(1, period: 3600), units: 1)
            journal.deliver(to: &ledger, now: minute(start + 900))
            #expect(journal.freeSlots == journal.capacity - 1)
            #expect(ledger.leases[lease(1, period: 0)] == LeaseTotals(released: 2, consumed: 5))
            #expect(ledger.leases[lease(1, period: 3600)]?.consumed == 2)
        }
    }

    @Test func `a full journal takes no more requests and loses none that were under way`() async throws {
        try await withTemporaryDirectory { path in
            let journal = try makeJournal(in: path, journalLimits(slots: 16, segments: 2, entries: 10))
            var expected = Ledger()
            for number in 0..<60 {
                if number < 30 { #expect(journal.canRecord, "after \(number) series") }
                let step = RecordedStep.usage(series(number), one)
                step.apply(to: journal)
                step.apply(to: journal)
                expected.record(step)
                expected.record(step)
            }
            #expect(!journal.canRecord)
            var ledger = Ledger()
            journal.deliver(to: &ledger, now: minute(100))
            #expect(ledger.usage.count == 32)
            journal.deliver(to: &ledger, isClosing: true, now: minute(100))
            let isExact = ledger == expected
            #expect(isExact)
        }
    }

    @Test func `room that the control plane makes is used again`() async throws {
        try await withTemporaryDirectory { path in
            let journal = try makeJournal(in: path, journalLimits(slots: 16, segments: 1))
            for number in 0..<20 { journal.record(series(number), one) }
            var ledger = Ledger()
            journal.deliver(to: &ledger, now: minute(102))
            #expect(journal.canRecord)
            #expect(ledger.usage.values.map(\.requests).reduce(0, +) == 20)
        }
    }

    @Test(arguments: [0, 1, 5, 10, 11, 25])
    func `the last batch ends the epoch, and only the last`(count: Int) async throws {
        try await withTemporaryDirectory { path in
            let journal = try makeJournal(in: path, journalLimits(entries: 5))
            for number in 0..<count { journal.record(series(number), one) }
            var batches: [UsageBatch] = []
            while let batch = journal.nextBatch(isClosing: true) {
                batches.append(batch)
                journal.release(receipt(batch), now: minute(100))
            }
            #expect(batches.map(\.isFinal) == batches.indices.map { $0 == batches.count - 1 })
            #expect(batches.map(\.sequence) == batches.indices.map { Int64($0 + 1) })
            #expect(batches.flatMap(\.series).count == count)
        }
    }

    @Test func `an epoch cannot be begun twice`() async throws {
        try await withTemporaryDirectory { path in
            _ = try makeJournal(in: path)
            #expect(throws: FileFailure.self) { try makeJournal(in: path) }
        }
    }
}
