// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A configuration on disk: a *base*, which is whole by itself, and a *log* of what has changed since.
///
/// Both are made of sections: the lines of a stream that lead from one revision to the next, and a last line that vouches
/// for them, `{"checksum":"<CRC-32 in hexadecimal>","bytes":<count>}`. The base is one section, put in place as a whole; the
/// log grows by sections. A section of the log that leads to no later revision than what is before it is passed over: it is
/// left from before the base was made. The log ends where a section is not whole, as a crash may leave one. All of it
/// blocks.
struct LastGoodFile: Sendable {
    /// Of the base.
    let path: String
    var logPath: String { path + ".log" }

    /// Puts a whole configuration in the place of everything.
    func replace(with snapshot: Delta) throws {
        try DurableFile.replace(path) { file in
            var writer = SectionWriter()
            for frame in snapshot.frames { try writer.add(frame.line, to: file) }
            try writer.finish(file)
        }
        try removeLog()
    }

    /// Adds changes to the log.
    ///
    /// - Parameter length: of the log, as it was found or the last call left it; what lies behind is overwritten.
    /// - Returns: the log's length now.
    func append(_ deltas: [Delta], at length: Int) throws -> Int {
        let file = try OpenFile(logPath, O_WRONLY | O_CREAT)
        try file.truncate(to: length)
        try file.seekToEnd()
        for delta in deltas {
            var writer = SectionWriter()
            for frame in delta.frames { try writer.add(frame.line, to: file) }
            try writer.finish(file)
        }
        try file.synchronize()
        return try file.size()
    }

    /// Calls `each` with the base, and then with each change since, in order.
    ///
    /// - Returns: the log's length as far as it is whole; `nil` where no configuration was ever written.
    /// - Throws: `TurnpikeError` where the base is not what was written, ``FileFailure`` where it cannot be read.
    func read(_ each: (Delta) async throws -> Void) async throws -> Int? {
        guard DurableFile.exists(path) else { return nil }
        var base = try SectionReader(path)
        guard let snapshot = try base.next(), snapshot.isSnapshot else { throw base.damaged("holds no configuration") }
        guard try base.next() == nil else { throw base.damaged("goes on behind its end") }
        let baseRevision = snapshot.revision
        try await each(snapshot)
        guard DurableFile.exists(logPath) else { return 0 }
        var log = try SectionReader(logPath)
        var revision = baseRevision
        // A section that is not whole is a crash's work, and nothing behind it was ever relied upon.
        while let delta = try? log.next() {
            if delta.revision > revision {
                try await each(delta)
                revision = delta.revision
            }
        }
        return log.wholeBytes
    }

    /// Whether the log has grown so far that it is time to ``compact()``.
    func isDue(logLength: Int) -> Bool {
        guard logLength > LastGoodFile.leastLogToCompact else { return false }
        return logLength > ((try? OpenFile(path, O_RDONLY).size()) ?? 0) / 2
    }

    private static let leastLogToCompact = 4 << 20

    /// Makes a new base of the base and the log. Of the log no more than names are held in memory: it is read twice.
    func compact() throws {
        guard let changes = try lastChanges() else { return }
        try DurableFile.replace(path) { file in
            var writer = SectionWriter()
            try writer.add(Frame.begin(isSnapshot: true).line, to: file)
            var base = try SectionReader(path)
            let isWhole = try base.nextHeads { head, line in
                guard case .set(let name) = head, changes.places[name] == nil else { return }
                try writer.add(Array(line) + [0x0A], to: file)
            }
            guard isWhole else { throw base.damaged("is empty") }
            var log = try SectionReader(logPath)
            var place = 0
            while place < changes.count {
                let isWhole = try log.nextHeads { head, line in
                    guard let name = head.changedName else { return }
                    place += 1
                    guard case .set = head, changes.places[name] == place else { return }
                    try writer.add(Array(line) + [0x0A], to: file)
                }
                guard isWhole else { throw log.damaged("has become shorter") }
            }
            try writer.add(Frame.commit(changes.revision).line, to: file)
            try writer.finish(file)
        }
        try removeLog()
    }

    /// Where the last change of each resource stands among all of the log's, from 1 on; `nil` where the log has none.
    private func lastChanges() throws -> (places: [CompiledName: Int], count: Int, revision: Revision)? {
        var places: [CompiledName: Int] = [:]
        var count = 0
        var revision: Revision?
        var log = try SectionReader(logPath)
        while true {
            var names: [CompiledName] = []
            var end: Revision?
            let isWhole = try? log.nextHeads { head, _ in
                if let name = head.changedName { names.append(name) }
                if case .commit(let revision) = head { end = revision }
            }
            guard isWhole == true else { break }
            for name in names {
                count += 1
                places[name] = count
            }
            revision = end
        }
        return revision.map { (places, count, $0) }
    }

    /// Puts a base that is damaged, and with it the log, out of the way, over what was put there before.
    ///
    /// - Returns: the base's new path.
    func setAside() throws -> String {
        let target = path + ".damaged"
        try DurableFile.move(path, to: target)
        try removeLog()
        return target
    }

    private func removeLog() throws {
        guard unlink(logPath) == 0 || errno == ENOENT else { throw FileFailure.last("remove", logPath) }
        try DurableFile.synchronizeDirectory(of: logPath)
    }
}

extension FrameHead {
    /// The compiled resource that is set or removed.
    fileprivate var changedName: CompiledName? {
        switch self {
        case .set(let name), .remove(let name): name
        case .commit, .other: nil
        }
    }
}
