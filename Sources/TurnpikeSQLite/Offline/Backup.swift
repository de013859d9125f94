// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import TurnpikeControl
public import TurnpikeModel

/// Copies of a data directory's database, taken while a server uses it or not, and put back.
public enum Backup {
    /// How far the revisions go on after a restore. Workers may have seen revisions that the backup does not know; none
    /// of those may ever be taken for one that is written afterwards.
    static let revisionGap: Revision = 1_000_000_000

    /// Writes a consistent copy of the database to a file, beside whatever else happens to it.
    ///
    /// - Parameters:
    ///   - directory: the data directory.
    ///   - file: must not exist. Only its owner may read it: it holds all that the database does.
    /// - Returns: the revision up to which the copy reaches.
    /// - Throws: `storageFailed`; the file is there whole or not at all.
    public static func take(of directory: String, to file: String) throws(TurnpikeError) -> Revision {
        guard !FileManager.default.fileExists(atPath: file) else {
            throw TurnpikeError(.storageFailed, "'\(file)' is there already.")
        }
        let unfinished = file + ".unfinished"
        do {
            try? FileManager.default.removeItem(atPath: unfinished)
            let source = try OfflineDatabase.open(DataDirectory.databasePath(in: directory))
            let descriptor = Foundation.open(unfinished, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
            Foundation.close(descriptor)
            try source.writeWithoutTransaction { db in
                // The copy of a database that was made before databases could shrink can.
                if try Int.fetchOne(db, sql: "PRAGMA auto_vacuum") == 0 {
                    try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
                }
                try db.execute(sql: "VACUUM INTO ?", arguments: [unfinished])
            }
            try source.close()
            let revision = try OfflineDatabase.check(unfinished)
            try synchronise(unfinished)
            try FileManager.default.moveItem(atPath: unfinished, toPath: file)
            return revision
        } catch {
            try? FileManager.default.removeItem(atPath: unfinished)
            throw failure(error, "The backup of '\(directory)' failed.")
        }
    }

    /// Makes a data directory of a backup, for a server to start on.
    ///
    /// The log gets an entry that says so, far above the backup's last revision.
    ///
    /// - Parameter directory: must hold no database, nor what one has left behind: SQLite would replay a former
    ///   database's WAL into the restored one.
    /// - Returns: the backup's last revision.
    /// - Throws: `storageFailed`, where the file is no backup, damaged, or of a newer release, too; the directory then
    ///   has no database.
    public static func restore(
        _ file: String, to directory: String, at now: Timestamp
    ) throws(TurnpikeError) -> Revision {
        let claim = try DataDirectory(claiming: directory)
        defer { claim.unlock() }
        for suffix in DataDirectory.databaseSuffixes {
            let file = claim.databasePath + suffix
            guard !FileManager.default.fileExists(atPath: file) else {
                throw TurnpikeError(
                    .storageFailed, "There is '\(file)' already, of a database. Restore to an empty directory.")
            }
        }
        let unfinished = claim.databasePath + ".unfinished"
        do {
            try? FileManager.default.removeItem(atPath: unfinished)
            try FileManager.default.copyItem(atPath: file, toPath: unfinished)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: unfinished)
            let revision = try OfflineDatabase.check(unfinished)
            try noteRestore(in: unfinished, after: revision, at: now)
            try synchronise(unfinished)
            try FileManager.default.moveItem(atPath: unfinished, toPath: claim.databasePath)
            return revision
        } catch {
            try? FileManager.default.removeItem(atPath: unfinished)
            throw failure(error, "'\(file)' cannot be restored.")
        }
    }

    private static func noteRestore(in file: String, after revision: Revision, at now: Timestamp) throws {
        let database = try OfflineDatabase.open(file)
        try database.write { db in
            let last = try String.fetchOne(db, sql: "SELECT hash FROM revision ORDER BY number DESC LIMIT 1")
            var record = RevisionRecord(
                revision: revision + revisionGap + now.milliseconds, at: now, actor: "system",
                reason: "Restored from a backup that ends with revision \(revision)", requestID: "restore", changes: [])
            record.seal(after: last ?? LogChain.start)
            var writer = try RevisionWriter(db)
            try writer.write(record)
        }
        try database.close()
    }

    private static func synchronise(_ file: String) throws {
        let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
        try handle.synchronize()
        try handle.close()
    }

    private static func failure(_ error: any Error, _ detail: String) -> TurnpikeError {
        (error as? TurnpikeError) ?? TurnpikeError(.storageFailed, detail, cause: error)
    }
}

/// A database opened by itself, without the directory that a server claims.
enum OfflineDatabase {
    /// - Parameter isReadOnly: nothing is written to the file, nor is its WAL folded into it.
    static func open(_ path: String, isReadOnly: Bool = false) throws -> DatabaseQueue {
        guard FileManager.default.fileExists(atPath: path) else {
            throw TurnpikeError(.storageFailed, "There is no database '\(path)'.")
        }
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        configuration.readonly = isReadOnly
        let database = try DatabaseQueue(path: path, configuration: configuration)
        try database.read { try Migrator(migrations: Migration.all).check($0, file: path) }
        return database
    }

    /// Makes sure that a database is whole.
    ///
    /// - Returns: its last revision.
    static func check(_ path: String) throws -> Revision {
        let database = try open(path)
        defer { try? database.close() }
        return try database.read { db in
            let verdict = try String.fetchOne(db, sql: "PRAGMA integrity_check(1)")
            guard verdict == "ok" else {
                throw TurnpikeError(.storageFailed, "'\(path)' is damaged: \(verdict ?? "no verdict").")
            }
            return try Revision.fetchOne(db, sql: "SELECT max(number) FROM revision") ?? 0
        }
    }
}
