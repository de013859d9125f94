// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeWorker

private let one = UsageCounters(requests: 1, bytesIn: 10, bytesOut: 100, units: 1)

@Suite struct RecoveredEpochTests {
    @Test(arguments: [UInt64(1), 2, 3, 4, 5])
    func `a journal copied at any moment gives what was recorded until then`(seed: UInt64) async throws {
        try await withTemporaryDirectory { path in
            var random = SeededGenerator(seed: seed)
            let journal = try makeJournal(in: path, journalLimits(slots: 32, segments: 16))
            var recorded = Ledger()
            var delivered = Ledger()
            for step in 0..<600 {
                let next = RecordedStep.random(minute: Int64(100 + step / 100), using: &random)
                next.apply(to: journal)
                recorded.record(next)
                if Int.random(in: 0..<40, using: &random) == 0 {
                    journal.deliver(to: &delivered, now: Timestamp(seconds: Int64(100 + step / 100) * 60))
                }
                guard Int.random(in: 0..<60, using: &random) == 0 else { continue }
                try await withTemporaryDirectory { copy in
                    try FileManager.default.copyItem(atPath: "\(path)/\(testEpoch)", toPath: "\(copy)/\(testEpoch)")
                    var ledger = delivered
                    for batch in try await recover(in: copy).batches() { ledger.take(batch) }
                    let isExact = ledger == recorded
                    #expect(isExact, "seed \(seed), step \(step)")
                }
            }
        }
    }

    @Test func `numbers go on above the last, which is sent once more and empty`() async throws {
        try await withTemporaryDirectory { path in
            let journal = try makeJournal(in: path)
            for number in 0..<5 { journal.record(series(number), one) }
            _ = journal.nextBatch(isClosing: false)
            let batches = try await recover(in: path, entries: 2).batches()
            #expect(batches.map(\.sequence) == [1, 2, 3, 4])
            #expect(batches.map(\.series.count) == [0, 2, 2, 1])
            #expect(batches.map(\.isFinal) == [false, false, false, true])

            let again = try await recover(in: path, entries: 2).batches()
            #expect(again.map(\.sequence) == [4, 5, 6, 7])
        }
    }

    @Test func `a batch without its receipt comes again`() async throws {
        try await withTemporaryDirectory { path in
            try makeJournal(in: path).record(series(1), one)
            let epoch = try recover(in: path)
            let batch = try #require(try await epoch.nextBatch(isClosing: true))
            #expect(try await epoch.nextBatch(isClosing: true) == batch)
            await epoch.release(UsageReceipt(epoch: testEpoch, sequence: batch.sequence - 1))
            #expect(try await epoch.nextBatch(isClosing: true) == batch)
            await epoch.release(UsageReceipt(epoch: testEpoch, sequence: batch.sequence))
            #expect(try await epoch.nextBatch(isClosing: true) == nil)
        }
    }

    @Test func `an epoch in which nothing was recorded is ended all the same`() async throws {
        try await withTemporaryDirectory { path in
            _ = try makeJournal(in: path)
            let epoch = try recover(in: path)
            let batches = try await epoch.batches()
            #expect(batches == [UsageBatch(epoch: testEpoch, sequence: 1, isFinal: true, series: [], consumption: [])])
            try await epoch.discard()
            #expect(try JournalDirectory(path).epochs() == [])
        }
    }

    @Test func `a removal that was interrupted is completed and never read`() async throws {
        try await withTemporaryDirectory { path in
            _ = try makeJournal(in: path)
            let done = "\(path)/\(testEpoch).done"
            try FileManager.default.moveItem(atPath: "\(path)/\(testEpoch)", toPath: done)
            #expect(try JournalDirectory(path).epochs() == [])
            #expect(!FileManager.default.fileExists(atPath: done))
        }
    }

    @Test func `the journal of another worker is not delivered as this one's`() async throws {
        try await withTemporaryDirectory { path in
            _ = try makeJournal(in: path)
            #expect(throws: ForeignJournal.self) {
                try RecoveredEpoch(
                    testEpoch, in: JournalDirectory(path), worker: ResourceID(high: 1, low: 1), entriesPerBatch: 10,
                    logger: quietLogger
                )
            }
        }
    }
}

@Suite struct DamagedJournalTests {
    /// Two segments: series 0–15 and 16–31.
    private func makeTwoSegments(in path: String) throws {
        let journal = try makeJournal(in: path, journalLimits(slots: 16, segments: 2))
        for number in 0..<28 { journal.record(series(number), one) }
        _ = journal.nextBatch(isClosing: false)
    }

    private func damage(_ file: String, _ change: (inout [UInt8]) -> Void) throws {
        var content = try bytes(of: file)
        change(&content)
        try write(content, to: file)
    }

    @Test(arguments: [0, 8, 16, 24, 40, 48, 56])
    func `a segment whose header is damaged is set aside and the rest is delivered`(offset: Int) async throws {
        try await withTemporaryDirectory { path in
            try makeTwoSegments(in: path)
            try damage("\(path)/\(testEpoch)/1.usage") { $0[offset] ^= 0x10 }
            let epoch = try recover(in: path)
            let batches = try await epoch.batches()
            #expect(Set(batches.flatMap(\.series).map(\.key)) == Set((0..<16).map { series($0) }))
            #expect(batches.allSatisfy { !$0.isFinal })
            #expect(await epoch.damage == JournalDamage(segments: [1], slots: 0))
            try await epoch.discard()
            #expect(FileManager.default.fileExists(atPath: "\(path)/damaged/\(testEpoch)-1.usage"))
            #expect(try JournalDirectory(path).epochs() == [])
        }
    }

    @Test func `a segment that is cut is set aside`() async throws {
        try await withTemporaryDirectory { path in
            try makeTwoSegments(in: path)
            try damage("\(path)/\(testEpoch)/1.usage") { $0.removeLast(64) }
            let epoch = try recover(in: path)
            #expect(try await epoch.batches().flatMap(\.series).count == 16)
            #expect(await epoch.damage == JournalDamage(segments: [1], slots: 0))
        }
    }

    @Test func `numbers go far above any that was used where the first segment is lost`() async throws {
        try await withTemporaryDirectory { path in
            try makeTwoSegments(in: path)
            try damage("\(path)/\(testEpoch)/0.usage") { $0[1] ^= 1 }
            let batches = try await recover(in: path).batches()
            #expect(batches.map(\.sequence) == [1 << 40, 1 << 40 + 1])
            #expect(batches.flatMap(\.series).count == 12)
            #expect(batches.allSatisfy { !$0.isFinal })
        }
    }

    @Test func `no flipped bit of a slot's state or key makes another series of it`() async throws {
        try await withTemporaryDirectory { path in
            let journal = try makeJournal(in: path, journalLimits(slots: 8, segments: 1))
            journal.record(series(1), one)
            journal.record(series(1), one)
            let file = "\(path)/\(testEpoch)/0.usage"
            let sound = try bytes(of: file)
            for bit in 0..<(64 * 8) {
                var words = sound
                words[JournalHeader.byteCount + bit / 8] ^= 1 << (bit % 8)
                let entry = JournalEntry(words: slotWords(words))
                // The flag that tells the copies apart leads from the newest totals to those before.
                if bit == 8 {
                    #expect(entry == .slot(JournalKey(series(1)), one.lanes))
                } else {
                    #expect(entry == .damaged, "bit \(bit)")
                }
            }
        }
    }

    private func slotWords(_ content: [UInt8]) -> SIMD16<UInt64> {
        var words = SIMD16<UInt64>()
        content.withUnsafeBytes { bytes in
            for index in 0..<16 {
                words[index] = bytes.loadUnaligned(fromByteOffset: JournalHeader.byteCount + index * 8, as: UInt64.self)
            }
        }
        return words
    }

    @Test func `negative totals are damage`() async throws {
        try await withTemporaryDirectory { path in
            try makeTwoSegments(in: path)
            let place = JournalHeader.byteCount + 8 * 8 + 7
            try damage("\(path)/\(testEpoch)/0.usage") { $0[place] |= 0x80 }
            let epoch = try recover(in: path)
            #expect(try await epoch.batches().flatMap(\.series).count == 27)
            #expect(await epoch.damage == JournalDamage(segments: [0], slots: 1))
        }
    }
}
