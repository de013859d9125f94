// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeMetering
import TurnpikeModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Where a worker keeps what must outlive it: its identity, its last good configuration, its journal. One process at a
/// time: two writers would count on each other's journal.
final class StateDirectory: Sendable {
    let path: String
    private let lock: OpenFile
    /// One loop at a time gets a number.
    private let epochs = Mutex(())

    /// Makes the directory (readable by its owner only) where it is missing, and takes it for this process.
    ///
    /// - Throws: ``StateDirectoryFailure`` where another process has it, else ``FileFailure``.
    init(_ path: String) throws {
        self.path = path
        try StateDirectory.create(path)
        try StateDirectory.create(path + "/journal")
        lock = try OpenFile(path + "/lock", O_RDWR | O_CREAT)
        guard flock(lock.descriptor, LOCK_EX | LOCK_NB) == 0 else { throw StateDirectoryFailure.inUse(path) }
    }

    var identityFile: String { path + "/identity.json" }
    var keyFile: String { path + "/key.pem" }
    var sealingKeysFile: String { path + "/sealing.keys" }
    var lastGoodFile: String { path + "/last-good.ndjson" }
    var journalDirectory: String { path + "/journal" }

    /// A number for one event loop's counting from now on: the time in milliseconds, and above every number that was used
    /// before, even where the clock has been set back. It is stored before it is returned.
    func startEpoch(at now: Timestamp) throws -> Epoch {
        try epochs.withLock { _ in
            let file = path + "/epoch"
            let stored = try DurableFile.read(file, limit: 32).flatMap { Epoch(String(decoding: $0, as: UTF8.self)) }
            let journals = try JournalDirectory(journalDirectory).epochs()
            let last = max(stored ?? 0, journals.max() ?? 0)
            let epoch = max(now.milliseconds, last + 1)
            try DurableFile.replace(file, with: Array(String(epoch).utf8))
            return epoch
        }
    }

    private static func create(_ path: String) throws(FileFailure) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .last("create", path) }
        var status = stat()
        guard stat(path, &status) == 0 else { throw .last("inspect", path) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw FileFailure("use as a directory", path, code: ENOTDIR) }
    }
}

enum StateDirectoryFailure: Error, Sendable, Hashable, CustomStringConvertible {
    case inUse(String)

    var description: String {
        switch self {
        case .inUse(let path): "another process uses the state directory \(path)"
        }
    }
}
