// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import TurnpikeMetering

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The folder of journals: `<epoch>/<n>.usage`. What is damaged is kept in `damaged/`, never read again.
struct JournalDirectory: Sendable {
    let path: String

    init(_ path: String) { self.path = path }

    func folder(of epoch: Epoch) -> String { "\(path)/\(epoch)" }

    func segmentFile(_ number: Int, of epoch: Epoch) -> String { "\(folder(of: epoch))/\(number).usage" }

    /// The epochs that have a journal, oldest first. Journals whose removal was interrupted are removed for good.
    func epochs() throws -> [Epoch] {
        let names = try FileManager.default.contentsOfDirectory(atPath: path)
        for name in names where name.hasSuffix(JournalDirectory.doneSuffix) {
            try FileManager.default.removeItem(atPath: "\(path)/\(name)")
        }
        return names.compactMap { Epoch($0) }.filter { $0 > 0 }.sorted()
    }

    /// The numbers of an epoch's segments, lowest first.
    func segments(of epoch: Epoch) throws -> [Int] {
        try FileManager.default.contentsOfDirectory(atPath: folder(of: epoch))
            .compactMap { name in name.hasSuffix(".usage") ? Int(name.dropLast(".usage".count)) : nil }
            .sorted()
    }

    func create(_ epoch: Epoch) throws(FileFailure) {
        guard mkdir(folder(of: epoch), 0o700) == 0 else { throw .last("create", folder(of: epoch)) }
        try DurableFile.synchronizeDirectory(of: folder(of: epoch))
    }

    /// Removes an epoch's journal. A removal that is interrupted goes on at the next start: from the first moment on,
    /// nobody takes what is left for a journal.
    func remove(_ epoch: Epoch) throws {
        let done = folder(of: epoch) + JournalDirectory.doneSuffix
        try DurableFile.move(folder(of: epoch), to: done)
        try FileManager.default.removeItem(atPath: done)
    }

    /// Puts a segment that cannot be trusted out of the way and returns where it lies now.
    func setAside(_ segment: Int, of epoch: Epoch) throws -> String {
        let folder = path + "/damaged"
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw FileFailure.last("create", folder) }
        let target = "\(folder)/\(epoch)-\(segment).usage"
        try DurableFile.move(segmentFile(segment, of: epoch), to: target)
        return target
    }

    private static let doneSuffix = ".done"
}
