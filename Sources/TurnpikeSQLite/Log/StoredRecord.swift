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

    /// - Returns: a page, and the revision that the next one goes on from; `nil`: it is the last.
    static func fetch(_ db: Database, _ query: LogQuery) throws -> (records: [StoredRecord], next: Revision?) {
        guard query.limit > 0, let span = try LogSpan.narrowing(query, db) else { return ([], nil) }
        let stretch = try LogStretch(db, span)
        let query = stretch.query
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
        let rows = try Row.fetchCursor(statement, arguments: start + arguments + [query.limit + 1])
        var records: [StoredRecord] = []
        var changesLeft = query.changeLimit
        while let row = try rows.next() {
            guard records.count < query.limit else { return (records, records.last?.number) }
            let number: Revision = try row.decode(atIndex: 0)
            // One more than there is room for tells that there is no room.
            let most = records.isEmpty ? -1 : changesLeft + 1
            let changes = try changes(db, of: number, wanted, limit: most)
            if !records.isEmpty, changes.count > changesLeft { return (records, records.last?.number) }
            changesLeft = max(0, changesLeft - changes.count)
            records.append(try StoredRecord(row, number: number, changes: changes))
        }
        return (records, stretch.next)
    }

    private init(
        _ row: Row, number: Revision, changes: [(before: StoredDocument?, after: StoredDocument?)]
    ) throws {
        self.number = number
        at = Timestamp(milliseconds: try row.decode(atIndex: 1))
        actor = try row.decode(atIndex: 2)
        source = try row.decode(atIndex: 3)
        reason = try row.decode(atIndex: 4)
        requestID = try row.decode(atIndex: 5)
        hash = try row.decode(atIndex: 6)
        previousHash = try row.decode(atIndex: 7)
        self.changes = changes
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

    /// - Parameter limit: at most so many; negative: all.
    private static func changes(
        _ db: Database, of number: Revision, _ wanted: (sql: String, arguments: StatementArguments), limit: Int
    ) throws -> [(before: StoredDocument?, after: StoredDocument?)] {
        let changes = try db.cachedStatement(
            sql: "SELECT kind, before, after FROM change WHERE revision = ?\(wanted.sql) ORDER BY position LIMIT ?"
        )
        return try Array(
            Row.fetchCursor(changes, arguments: [number] + wanted.arguments + [limit]).map { row in
                let kind: String = try row.decode(atIndex: 0)
                func document(_ text: String?) -> StoredDocument? { text.map { StoredDocument(kind: kind, text: $0) } }
                return (document(try row.decode(atIndex: 1)), document(try row.decode(atIndex: 2)))
            })
    }
}
