// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import TurnpikeModel

/// The directory that holds the database, claimed by one server at a time.
///
/// The claim is an advisory lock on the file `lock`. The kernel lifts it when the process ends, however it ends, so
/// that no stale lock ever keeps a server from starting.
final class DataDirectory: Sendable {
    let path: String
    /// The open `lock` file; `nil` once unlocked.
    private let descriptor: Mutex<Int32?>

    var databasePath: String { DataDirectory.databasePath(in: path) }

    static func databasePath(in directory: String) -> String { directory + "/turnpike.sqlite" }

    /// What the names of all files that a database may consist of have after its path.
    static let databaseSuffixes = ["", "-wal", "-shm", "-journal"]

    /// Creates the directory where it is missing, for its owner only, and locks it.
    init(claiming path: String) throws(TurnpikeError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700]
            )
        } catch { throw Self.unusable(path, error) }
        let descriptor = Foundation.open(path + "/lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.unusable(path, Self.systemError()) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let error = Self.systemError()
            Foundation.close(descriptor)
            guard error.code == .EWOULDBLOCK else { throw Self.unusable(path, error) }
            throw TurnpikeError(.storageFailed, "The data directory '\(path)' is in use by another server.")
        }
        self.path = path
        self.descriptor = Mutex(descriptor)
    }

    deinit { unlock() }

    func unlock() {
        let open = descriptor.withLock { $0.take() }
        if let open { Foundation.close(open) }
    }

    /// Makes sure that the database file exists and that its owner alone may read it; SQLite gives the files beside it
    /// the same permissions.
    ///
    /// - Returns: whether the file holds anything yet.
    func prepareDatabaseFile() throws(TurnpikeError) -> Bool {
        let descriptor = Foundation.open(databasePath, O_CREAT | O_RDONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.unusable(path, Self.systemError()) }
        defer { Foundation.close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.unusable(path, Self.systemError()) }
        if status.st_mode & 0o077 != 0, fchmod(descriptor, 0o600) != 0 {
            throw Self.unusable(path, Self.systemError())
        }
        return status.st_size > 0
    }

    /// Bytes of a file; 0 where there is none.
    static func size(of path: String) -> Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }

    static func unusable(_ path: String, _ cause: any Error) -> TurnpikeError {
        TurnpikeError(.storageFailed, "The data directory '\(path)' cannot be used.", cause: cause)
    }

    private static func systemError() -> POSIXError { POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
}
