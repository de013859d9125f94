// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeMetering

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A file of slots, mapped into memory for as long as the object lives. Confined to whoever confines its journal.
final class JournalSegment {
    let slotCount: Int
    private let base: UnsafeMutableRawPointer
    private let byteCount: Int
    private let words: UnsafeMutablePointer<Atomic<UInt64>>

    /// Makes the file. Its disk space is taken at once, since a mapped page that finds the disk full later would kill
    /// the process. The file gets its name once its header is there, so that whatever bears the name has one.
    init(creating path: String, _ header: JournalHeader) throws(FileFailure) {
        slotCount = header.slotCount
        byteCount = JournalHeader.byteCount + header.slotCount * JournalSlot.byteCount
        base = try JournalSegment.map(path, byteCount)
        // The mapping is page-aligned, as long as these words, and unmapped in `deinit` only. An atomic word is laid
        // out as a plain one.
        words = base.bindMemory(to: Atomic<UInt64>.self, capacity: byteCount / 8)
        for (index, word) in header.words.enumerated() { words[index].store(word, ordering: .relaxed) }
        guard rename(path + ".new", path) == 0 else {
            let failure = FileFailure.last("rename", path)
            munmap(base, byteCount)
            throw failure
        }
    }

    deinit { munmap(base, byteCount) }

    /// - Parameter index: below `slotCount`.
    func slot(_ index: Int) -> JournalSlot {
        precondition(index < slotCount, "A slot lies within its segment.")
        return JournalSlot(words: words + (JournalHeader.byteCount + index * JournalSlot.byteCount) / 8)
    }

    func store(sequence: Int64) {
        words[JournalHeader.sequenceWord].store(UInt64(bitPattern: sequence), ordering: .releasing)
    }

    private static func map(_ path: String, _ byteCount: Int) throws(FileFailure) -> UnsafeMutableRawPointer {
        let file = try OpenFile(path + ".new", O_RDWR | O_CREAT | O_TRUNC)
        let code = posix_fallocate(file.descriptor, 0, off_t(byteCount))
        guard code == 0 else {
            unlink(path + ".new")
            throw FileFailure("allocate", path, code: code)
        }
        let mapping = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor, 0)
        guard let mapping, mapping != MAP_FAILED else { throw .last("map", path) }
        return mapping
    }
}
