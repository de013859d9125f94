// SPDX-License-Identifier: Apache-2.0

import TurnpikeMetering
import TurnpikeModel

/// The first page of a segment: what the file is, and, in an epoch's first segment, the last batch it sent.
///
/// Words are in the machine's order: a journal is read where it was written.
struct JournalHeader: Equatable {
    var worker: ResourceID
    var epoch: Epoch
    /// 0, 1, 2 … within the epoch.
    var segment: Int
    var slotCount: Int

    /// A whole page, so that slots lie on cache lines.
    static let byteCount = 4096
    /// Where the sequence of the last batch stands, outside of the checksum since it changes.
    static let sequenceWord = 8
    static let wordCount = 9

    /// `TPUSAGE` and a zero.
    private static let magic: UInt64 = 0x5450_5553_4147_4500
    private static let version: UInt64 = 1

    var words: [UInt64] {
        let words = [
            JournalHeader.magic, JournalHeader.version, UInt64(bitPattern: epoch), worker.high, worker.low,
            UInt64(segment), UInt64(slotCount),
        ]
        return words + [JournalHeader.checksum(of: words), 0]
    }

    init(worker: ResourceID, epoch: Epoch, segment: Int, slotCount: Int) {
        self.worker = worker
        self.epoch = epoch
        self.segment = segment
        self.slotCount = slotCount
    }

    /// `nil` unless the words are a header of this version, whole.
    init?(words: [UInt64]) {
        guard words.count == JournalHeader.wordCount, words[0] == JournalHeader.magic,
            words[1] == JournalHeader.version, words[7] == JournalHeader.checksum(of: words[..<7]),
            let segment = Int(exactly: words[5]), let slotCount = Int(exactly: words[6])
        else { return nil }
        self.init(
            worker: ResourceID(high: words[3], low: words[4]), epoch: Epoch(bitPattern: words[2]), segment: segment,
            slotCount: slotCount
        )
    }

    private static func checksum(of words: some Sequence<UInt64>) -> UInt64 {
        var sum = CRC32()
        for word in words { sum.take(word) }
        return UInt64(sum.checksum)
    }
}
