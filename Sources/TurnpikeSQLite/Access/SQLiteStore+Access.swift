// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
public import TurnpikeControl
public import TurnpikeModel
public import TurnpikeSnapshot

extension SQLiteStore {
    public func replies(_ ids: [KeyDigest]) async throws -> [KeyDigest: StoredReply] {
        guard !ids.isEmpty else { return [:] }
        return try await read { db in
            try ids.reduce(into: [:]) { replies, id in replies[id] = try StoredReply.fetch(db, id) }
        }
    }

    public func forgetReplies(before time: Timestamp) async throws {
        try await write { db in
            try db.execute(sql: "DELETE FROM reply WHERE at < ?", arguments: [time.milliseconds])
        }
    }

    public func noteUse(_ uses: [ResourceID: Timestamp]) async throws {
        guard !uses.isEmpty else { return }
        try await write { db in
            let statement = try db.cachedStatement(
                sql: """
                    INSERT INTO credential_use (id, at) VALUES (?, ?)
                    ON CONFLICT (id) DO UPDATE SET at = max(at, excluded.at)
                    """)
            for (id, at) in uses { try statement.execute(arguments: [id.blob, at.milliseconds]) }
        }
    }

    public func uses() async throws -> [ResourceID: Timestamp] {
        try await read { db in
            try Row.fetchAll(db, sql: "SELECT id, at FROM credential_use").reduce(into: [:]) { uses, row in
                uses[try row.id(atIndex: 0)] = Timestamp(milliseconds: try row.decode(atIndex: 1))
            }
        }
    }
}

extension StoredReply {
    func insert(_ db: Database) throws {
        try db.cachedStatement(
            sql: "INSERT INTO reply (id, fingerprint, at, revision, sealed) VALUES (?, ?, ?, ?, ?)"
        ).execute(arguments: [id.hex, fingerprint.hex, at.milliseconds, revision, Data(sealed)])
    }

    fileprivate static func fetch(_ db: Database, _ id: KeyDigest) throws -> StoredReply? {
        let statement = try db.cachedStatement(
            sql: "SELECT fingerprint, at, revision, sealed FROM reply WHERE id = ?")
        guard let row = try Row.fetchOne(statement, arguments: [id.hex]) else { return nil }
        guard let fingerprint = KeyDigest(hex: try row.decode(atIndex: 0)) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a reply has no fingerprint")
        }
        let sealed: Data = try row.decode(atIndex: 3)
        return StoredReply(
            id: id, fingerprint: fingerprint, at: Timestamp(milliseconds: try row.decode(atIndex: 1)),
            revision: try row.decode(atIndex: 2), sealed: Array(sealed))
    }
}
