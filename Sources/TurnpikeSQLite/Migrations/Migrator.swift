// SPDX-License-Identifier: Apache-2.0

import GRDB
import TurnpikeModel

/// Brings a database to the newest version that this program knows. The version is the file's `user_version`; its
/// `application_id` tells that the file is ours.
struct Migrator: Sendable {
    /// `TPKE` in ASCII.
    static let applicationID: Int64 = 0x5450_4B45

    let migrations: [Migration]

    private var newest: Int { migrations.last?.number ?? 0 }

    func version(of db: Database) throws -> Int { try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0 }

    /// Refuses a file that is not Turnpike's, or that a newer version wrote.
    func check(_ db: Database, file: String) throws {
        let applicationID = try Int64.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let version = try version(of: db)
        let isEmpty = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") == 0
        guard applicationID == Self.applicationID || (isEmpty && applicationID == 0 && version == 0) else {
            throw TurnpikeError(.storageFailed, "'\(file)' is the database of another program.")
        }
        guard version <= newest else {
            throw TurnpikeError(
                .storageFailed,
                """
                '\(file)' has schema version \(version), written by a newer release; this one knows versions up to \
                \(newest). Start the newer release, or restore a backup.
                """
            )
        }
    }

    /// Takes the steps that are missing, each in a transaction of its own together with its number.
    ///
    /// - Returns: the version reached.
    func migrate(_ db: Database) throws -> Int {
        let version = try version(of: db)
        for migration in migrations where migration.number > version {
            try db.inTransaction {
                try db.execute(sql: migration.sql)
                try db.execute(sql: "PRAGMA application_id = \(Self.applicationID)")
                try db.execute(sql: "PRAGMA user_version = \(migration.number)")
                return .commit
            }
        }
        return max(version, newest)
    }
}
