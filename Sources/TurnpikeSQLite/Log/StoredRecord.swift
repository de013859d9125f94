// SPDX-License-Identifier: Apache-2.0

import GRDB
import TurnpikeControl
import TurnpikeModel

/// An entry of the log as it lies in the file, documents unparsed.
struct StoredRecord: Sendable {
    let number: Revision
    let at: Timestamp
    let actor: String
    let source: String
    let reason: String
    let requestID: String
    let hash: String
    let previousHash: String
    let changes: [(before: StoredDocument?, after: StoredDocument?)]

    func record() throws -> RevisionRecord {
        var record = RevisionRecord(
            revision: number, at: at, actor: actor, source: source, reason: reason, requestID: requestID,
            changes: try changes.map { before, after in
                var change = Change(before: try before?.resource(), after: try after?.resource())
                change.beforeDigest = before.map { LogChain.digest(of: $0.text) }
                change.afterDigest = after.map { LogChain.digest(of: $0.text) }
                return change
            }
        )
        record.hash = hash
        record.previousHash = previousHash
        return record
    }

    static func fetch(_ db: Database, _ query: LogQuery) throws -> [StoredRecord] {
        var (conditions, arguments) = (["number > ?", "number < ?"], [query.above, query.below] as StatementArguments)
        func demand(_ condition: String, _ values: StatementArguments) {
            conditions.append(condition)
            arguments += values
        }
        if let actor = query.actor { demand("actor = ?", [actor]) }
        if let from = query.from { demand("at >= ?", [from.milliseconds]) }
        if let to = query.to { demand("at < ?", [to.milliseconds]) }
        let wanted = changeConditions(query)
        if query.tenant != nil {
            // The other way round, by the index: a tenant's changes are few among all.
            demand(
                "number IN (SELECT revision FROM change WHERE revision > ? AND revision < ?\(wanted.sql))",
                [query.above, query.below] + wanted.arguments)
        } else if !wanted.sql.isEmpty {
            demand("EXISTS (SELECT 1 FROM change WHERE revision = number\(wanted.sql))", wanted.arguments)
        }
        let statement = try db.cachedStatement(
            sql: """
                SELECT number, at, actor, source, reason, request_id, hash,
                    coalesce((SELECT hash FROM revision AS earlier
                            WHERE earlier.number < revision.number ORDER BY earlier.number DESC LIMIT 1),
                        (SELECT hash FROM log_start WHERE id = 1), ?)
                FROM revision WHERE \(conditions.joined(separator: " AND "))
                ORDER BY number \(query.isDescending ? "DESC" : "ASC") LIMIT ?
                """
        )
        let start: StatementArguments = [LogChain.start]
        return try Row.fetchAll(statement, arguments: start + arguments + [max(0, query.limit)]).map { row in
            let number: Revision = try row.decode(atIndex: 0)
            return StoredRecord(
                number: number, at: Timestamp(milliseconds: try row.decode(atIndex: 1)),
                actor: try row.decode(atIndex: 2), source: try row.decode(atIndex: 3),
                reason: try row.decode(atIndex: 4), requestID: try row.decode(atIndex: 5),
                hash: try row.decode(atIndex: 6), previousHash: try row.decode(atIndex: 7),
                changes: try changes(db, of: number, wanted)
            )
        }
    }

    /// What the query asks of a change.
    private static func changeConditions(_ query: LogQuery) -> (sql: String, arguments: StatementArguments) {
        var (sql, arguments) = ("", StatementArguments())
        for (column, value) in [("tenant", query.tenant), ("kind", query.kind?.rawValue), ("name", query.name)] {
            guard let value else { continue }
            sql += " AND \(column) = ?"
            arguments += [value]
        }
        return (sql, arguments)
    }

    private static func changes(
        _ db: Database, of number: Revision, _ wanted: (sql: String, arguments: StatementArguments)
    ) throws -> [(before: StoredDocument?, after: StoredDocument?)] {
        let changes = try db.cachedStatement(
            sql: "SELECT kind, before, after FROM change WHERE revision = ?\(wanted.sql) ORDER BY position"
        )
        return try Array(
            Row.fetchCursor(changes, arguments: [number] + wanted.arguments).map { row in
                let kind: String = try row.decode(atIndex: 0)
                func document(_ text: String?) -> StoredDocument? { text.map { StoredDocument(kind: kind, text: $0) } }
                return (document(try row.decode(atIndex: 1)), document(try row.decode(atIndex: 2)))
            })
    }
}
