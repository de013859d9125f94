// SPDX-License-Identifier: Apache-2.0

import Logging
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The journal of an earlier boot, whose process did not live to deliver it. It is read as it lies, one segment at a
/// time; only the number of the last batch is written.
///
/// Which batches the dead process got through is not known, and need not be: all totals are sent again, and the larger
/// total of a series stands. Numbers go on above the last one that may have been used. That one itself is sent once
/// more, empty: where it never arrived it leaves no gap, and where it did it changes nothing.
///
/// What is damaged is reported and set aside. An epoch with damage is delivered but not ended, for ending it would free
/// what its leases seem not to have spent, and nobody knows what they did spend.
actor RecoveredEpoch: UsageSource {
    nonisolated let epoch: Epoch
    private let directory: JournalDirectory
    private let worker: ResourceID
    nonisolated let entriesPerBatch: Int
    private let logger: Logger

    private var segments: [Int]
    private var entries: [(JournalKey, JournalCounters)] = []
    private let hasSoundStart: Bool
    private var sequence: Int64
    private var awaitingReceipt: UsageBatch?
    private var hasRepeatedLast = false
    private var hasEnded = false
    private(set) var damage = JournalDamage()

    /// - Throws: ``FileFailure``; ``ForeignJournal`` where another worker wrote it.
    init(
        _ epoch: Epoch, in directory: JournalDirectory, worker: ResourceID, entriesPerBatch: Int, logger: Logger
    ) throws {
        self.epoch = epoch
        self.directory = directory
        self.worker = worker
        self.entriesPerBatch = entriesPerBatch
        var logger = logger
        logger[metadataKey: LogKey.epoch] = "\(epoch)"
        self.logger = logger
        segments = try directory.segments(of: epoch)
        let last = try RecoveredEpoch.lastSequence(in: directory.segmentFile(0, of: epoch), worker, epoch)
        hasSoundStart = last != nil
        sequence = last ?? RecoveredEpoch.sequenceAfterLoss
    }

    func nextBatch(isClosing: Bool) throws -> UsageBatch? {
        if let awaitingReceipt { return awaitingReceipt }
        guard !hasEnded else { return nil }
        if !hasRepeatedLast, sequence > 0 {
            hasRepeatedLast = true
            return hold(batch(of: [], isFinal: false))
        }
        while entries.count < entriesPerBatch, let segment = segments.first {
            segments.removeFirst()
            try read(segment)
        }
        let taken = Array(entries.prefix(entriesPerBatch))
        entries.removeFirst(taken.count)
        hasEnded = entries.isEmpty && segments.isEmpty
        if hasEnded, !damage.isEmpty { report() }
        let isFinal = hasEnded && damage.isEmpty
        guard isFinal || !taken.isEmpty else { return nil }
        sequence += 1
        try store(sequence)
        return hold(batch(of: taken, isFinal: isFinal))
    }

    func release(_ receipt: UsageReceipt) {
        guard let batch = awaitingReceipt, receipt.epoch == epoch, receipt.sequence >= batch.sequence else { return }
        awaitingReceipt = nil
    }

    func discard() throws {
        for segment in damage.segments.sorted() where DurableFile.exists(directory.segmentFile(segment, of: epoch)) {
            let file = try directory.setAside(segment, of: epoch)
            logger.error("A damaged segment of the journal is set aside.", metadata: [LogKey.file: "\(file)"])
        }
        try directory.remove(epoch)
    }

    private func hold(_ batch: UsageBatch) -> UsageBatch {
        awaitingReceipt = batch
        return batch
    }

    private func batch(of entries: [(JournalKey, JournalCounters)], isFinal: Bool) -> UsageBatch {
        var batch = UsageBatch(epoch: epoch, sequence: sequence, isFinal: isFinal, series: [], consumption: [])
        for (key, totals) in entries { batch.append(key, totals) }
        return batch
    }

    private func report() {
        logger.error(
            "The journal of an earlier boot is damaged. What could be read is delivered; the rest of its usage is lost.",
            metadata: ["segments": "\(damage.segments.sorted())", LogKey.count: "\(damage.slots)"]
        )
    }
}

/// What of a journal could not be read.
struct JournalDamage: Equatable {
    /// The numbers of segments whose header or length is wrong, and of those that hold damaged slots.
    var segments: Set<Int> = []
    /// Damaged slots in otherwise sound segments.
    var slots = 0

    var isEmpty: Bool { segments.isEmpty }
}

/// A journal that another worker wrote: a state directory that has lost its identity file.
struct ForeignJournal: Error, CustomStringConvertible {
    var epoch: Epoch
    var worker: ResourceID

    var description: String {
        "the journal of epoch \(epoch) belongs to worker \(worker.text(prefix: Kind.worker.idPrefix))"
    }
}

// MARK: - Files

extension RecoveredEpoch {
    /// Where the first segment is lost, numbers go on far above any that it can have used. The control plane will
    /// report a gap, and rightly.
    private static let sequenceAfterLoss: Int64 = 1 << 40

    /// The number of the last batch that was made; `nil` where the first segment does not say.
    private static func lastSequence(in file: String, _ worker: ResourceID, _ epoch: Epoch) throws -> Int64? {
        guard DurableFile.exists(file) else { return nil }
        let words = Words(try OpenFile(file, O_RDONLY).read(upTo: JournalHeader.wordCount * 8))
        guard let header = JournalHeader(words: words.prefix(JournalHeader.wordCount)), header.epoch == epoch else {
            return nil
        }
        guard header.worker == worker else { throw ForeignJournal(epoch: epoch, worker: header.worker) }
        let sequence = Int64(bitPattern: words[JournalHeader.sequenceWord])
        return (0..<sequenceAfterLoss).contains(sequence) ? sequence : nil
    }

    private func read(_ segment: Int) throws {
        let path = directory.segmentFile(segment, of: epoch)
        let file = try OpenFile(path, O_RDONLY)
        let head = Words(try file.read(upTo: JournalHeader.byteCount))
        guard let header = JournalHeader(words: head.prefix(JournalHeader.wordCount)), header.epoch == epoch,
            header.segment == segment, header.worker == worker,
            try file.size() == JournalHeader.byteCount + header.slotCount * JournalSlot.byteCount
        else {
            damage.segments.insert(segment)
            return
        }
        while true {
            let words = Words(try file.read(upTo: JournalSlot.byteCount * 8192))
            guard words.count > 0 else { break }
            for first in stride(from: 0, to: words.count, by: JournalSlot.wordCount) {
                take(JournalEntry(words: words.slot(at: first)), of: segment)
            }
        }
    }

    private func take(_ entry: JournalEntry, of segment: Int) {
        switch entry {
        case .free: break
        case .slot(let key, let totals): entries.append((key, totals))
        case .damaged:
            damage.slots += 1
            damage.segments.insert(segment)
        }
    }

    private func store(_ sequence: Int64) throws {
        guard hasSoundStart else { return }
        let path = directory.segmentFile(0, of: epoch)
        let file = try OpenFile(path, O_WRONLY)
        var word = UInt64(bitPattern: sequence)
        guard pwrite(file.descriptor, &word, 8, off_t(JournalHeader.sequenceWord * 8)) == 8 else {
            throw FileFailure.last("write", path)
        }
    }
}

/// Bytes as 64-bit words in the machine's order. Bytes behind the last whole slot of words are no part of it.
private struct Words {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var count: Int { bytes.count / 8 }

    subscript(index: Int) -> UInt64 {
        bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self) }
    }

    func prefix(_ length: Int) -> [UInt64] { (0..<min(length, count)).map { self[$0] } }

    func slot(at first: Int) -> SIMD16<UInt64> {
        var slot = SIMD16<UInt64>()
        for index in 0..<min(JournalSlot.wordCount, count - first) { slot[index] = self[first + index] }
        return slot
    }
}
