// SPDX-License-Identifier: Apache-2.0

import GRDB
import Logging
import TurnpikeModel

extension SQLiteStore {
    static func open(path: String, logger: Logger, migrator: Migrator) throws -> SQLiteStore {
        let directory = try DataDirectory(claiming: path)
        do {
            // Before anything is written to it: opening for writing would already change the file's header.
            if try directory.prepareDatabaseFile() {
                try identify(directory.databasePath, migrator)
            } else {
                try found(directory.databasePath)
            }
            let pool = try DatabasePool(path: directory.databasePath, configuration: configuration())
            try pool.writeWithoutTransaction { db in
                // GRDB lowers it to NORMAL, which survives a crash of the process, but not of the machine.
                try db.execute(sql: "PRAGMA synchronous = FULL")
                try db.execute(sql: "PRAGMA journal_size_limit = 67108864")
                // In KiB. Of the 2 MiB that it is otherwise, a bundle of a thousand resources among a hundred thousand needs
                // every page twice.
                try db.execute(sql: "PRAGMA cache_size = -16384")
                let before = try migrator.version(of: db)
                let after = try migrator.migrate(db)
                guard before != after else { return }
                logger.info("Brought the database up to date", metadata: ["from": "\(before)", "to": "\(after)"])
            }
            return SQLiteStore(pool: pool, directory: directory)
        } catch let error as DatabaseError where [.SQLITE_NOTADB, .SQLITE_CORRUPT].contains(error.resultCode) {
            throw TurnpikeError(
                .storageFailed, "'\(directory.databasePath)' is no SQLite database, or it is damaged.", cause: error
            )
        } catch let error as DatabaseError {
            throw DataDirectory.unusable(path, error)
        }
    }

    private static func configuration() -> Configuration {
        var configuration = Configuration()
        configuration.label = "turnpike"
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(5)
        configuration.maximumReaderCount = 4
        return configuration
    }

    /// Makes an empty file a database that can shrink: that is decided before anything else is written to it.
    private static func found(_ file: String) throws {
        let queue = try DatabaseQueue(path: file, configuration: configuration())
        try queue.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL") }
        try queue.close()
    }

    /// Looks at a file without changing it.
    private static func identify(_ file: String, _ migrator: Migrator) throws {
        var configuration = configuration()
        configuration.readonly = true
        let queue = try DatabaseQueue(path: file, configuration: configuration)
        try queue.read { db in try migrator.check(db, file: file) }
        try queue.close()
    }
}
