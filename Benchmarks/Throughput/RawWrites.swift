// SPDX-License-Identifier: Apache-2.0

/// Writes what the control plane has written, row for row, into tables like its own: what SQLite alone can do here.
///
/// One write is a row of `revision`, one of `change`, and an update of a row of `resource`; `batch` writes share a
/// transaction, and each transaction is on the disk before the next begins, as in the control plane.
struct RawWrites {
    private struct Write {
        var revision: [RawDatabase.Value]
        var change: [RawDatabase.Value]
        var resource: [RawDatabase.Value]
    }

    private let writes: [Write]
    private let schema: [[RawDatabase.Value]]
    private let source: String

    /// - Parameter source: a control plane's database, all of whose revisions above `revision` updated one service each.
    init(from source: String, after revision: Int64) throws {
        self.source = source
        let database = try RawDatabase(source, readOnly: true)
        schema = try database.rows("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
        let revisions = try database.rows("SELECT * FROM revision WHERE number > \(revision) ORDER BY number")
        let changes = try database.rows("SELECT * FROM change WHERE revision > \(revision) ORDER BY revision")
        let resources = try database.rows(
            """
            SELECT change.revision, change.after, resource.id FROM change
            JOIN resource AS owner ON owner.kind = 'tenant' AND owner.name = change.tenant
            JOIN resource ON resource.tenant_id = owner.id AND resource.kind = change.kind AND resource.name = change.name
            WHERE change.revision > \(revision) ORDER BY change.revision
            """)
        guard revisions.count == changes.count, changes.count == resources.count else {
            throw RawDatabase.Failed(description: "The revisions after \(revision) are not one change each.")
        }
        writes = zip(revisions, zip(changes, resources)).map { Write(revision: $0, change: $1.0, resource: $1.1) }
    }

    var count: Int { writes.count }

    /// - Returns: writes per second.
    func measure(into path: String, batch: Int) throws -> Double {
        guard let first = writes.first, case .integer(let number)? = first.revision.first else { return 0 }
        let database = try RawDatabase(path)
        // As the control plane founds its own: SQLite then keeps a map of the pages' owners beside them.
        try database.execute("PRAGMA auto_vacuum = INCREMENTAL")
        try database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF")
        for case .text(let sql)? in schema.map(\.first) { try database.execute(String(decoding: sql, as: UTF8.self)) }
        try database.execute("ATTACH '\(source)' AS source")
        for table in ["revision", "change"] {
            let column = table == "change" ? "revision" : "number"
            try database.execute("INSERT INTO \(table) SELECT * FROM source.\(table) WHERE \(column) < \(number)")
        }
        try database.execute("INSERT INTO resource SELECT * FROM source.resource; DETACH source")
        try database.execute("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA foreign_keys = ON")

        func insertion(into table: String, _ row: [RawDatabase.Value]) throws -> OpaquePointer? {
            try database.prepare("INSERT INTO \(table) VALUES (\(row.map { _ in "?" }.joined(separator: ", ")))")
        }
        let insertRevision = try insertion(into: "revision", first.revision)
        let insertChange = try insertion(into: "change", first.change)
        let update = try database.prepare("UPDATE resource SET revision = ?, document = ? WHERE id = ?")
        let start = ContinuousClock.now
        for begin in stride(from: 0, to: writes.count, by: batch) {
            try database.execute("BEGIN IMMEDIATE")
            for write in writes[begin..<min(begin + batch, writes.count)] {
                try database.run(insertRevision, write.revision)
                try database.run(insertChange, write.change)
                try database.run(update, write.resource)
            }
            try database.execute("COMMIT")
        }
        let elapsed = ContinuousClock.now - start
        for statement in [insertRevision, insertChange, update] { RawDatabase.finalize(statement) }
        return Double(writes.count) / elapsed.seconds
    }
}
