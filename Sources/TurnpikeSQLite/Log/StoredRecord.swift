// SPDX-License-Identifier: Apache-2.0

import GRDB
import TurnpikeModel

/// An entry of the log as it lies in the file, documents unparsed.
struct StoredRecord: Sendable {
    let number: Revision
    let at: Timestamp
    let actor: String
    let reason: String
    let requestID: String
    var changes: [(before: StoredDocument?, after: StoredDocument?)]

    static func fetch(_ db: Database, after revision: Revision, limit: Int) throws -> [StoredRecord] {
        let records = try db.cachedStatement(
            sql: """
                SELECT number, at, actor, reason, request_id FROM revision WHERE number > ? ORDER BY number LIMIT ?
                """
        )
        return try Row.fetchAll(records, arguments: [revision, max(0, limit)]).map { row in
            let number: Revision = try row.decode(atIndex: 0)
            return StoredRecord(
                number: number, at: Timestamp(milliseconds: try row.decode(atIndex: 1)),
                actor: try row.decode(atIndex: 2), reason: try row.decode(atIndex: 3),
                requestID: try row.decode(atIndex: 4), changes: try changes(db, of: number)
            )
        }
    }

    private static func changes(
        _ db: Database, of revision: Revision
    ) throws -> [(before: StoredDocument?, after: StoredDocument?)] {
        let changes = try db.cachedStatement(
            sql: "SELECT kind, before, after FROM change WHERE revision = ? ORDER BY position"
        )
        return try Array(
            Row.fetchCursor(changes, arguments: [revision]).map { row in
                let kind: String = try row.decode(atIndex: 0)
                func document(_ text: String?) -> StoredDocument? { text.map { StoredDocument(kind: kind, text: $0) } }
                return (document(try row.decode(atIndex: 1)), document(try row.decode(atIndex: 2)))
            })
    }
}
