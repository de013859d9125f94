// SPDX-License-Identifier: Apache-2.0

import GRDB
import TurnpikeControl
import TurnpikeModel

/// By what a change is looked for. The chain of hashes covers the documents, from which all of this follows: a row that says
/// something else would hide a change from those who ask for a tenant's, and show it to another one.
struct ChangeColumns: Equatable {
    let kind: String?
    let tenant: String?
    let name: String?

    init(_ change: Change) {
        kind = change.key?.kind.rawValue
        tenant = change.tenant
        name = change.key?.name
    }

    private init(_ row: Row) throws {
        kind = try row.decode(atIndex: 1)
        tenant = try row.decode(atIndex: 2)
        name = try row.decode(atIndex: 3)
    }

    /// What the rows say, by revision and in the order of the changes, of a stretch of the log.
    static func fetch(_ db: Database, of records: [StoredRecord]) throws -> [Revision: [ChangeColumns]] {
        guard let first = records.first?.number, let last = records.last?.number else { return [:] }
        let statement = try db.cachedStatement(
            sql: """
                SELECT revision, kind, tenant, name FROM change WHERE revision BETWEEN ? AND ?
                ORDER BY revision, position
                """)
        let rows = try Row.fetchCursor(statement, arguments: [first, last])
        var columns: [Revision: [ChangeColumns]] = [:]
        while let row = try rows.next() {
            columns[try row.decode(atIndex: 0), default: []].append(try ChangeColumns(row))
        }
        return columns
    }
}
