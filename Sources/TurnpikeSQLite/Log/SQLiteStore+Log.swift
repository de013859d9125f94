// SPDX-License-Identifier: Apache-2.0

import GRDB
public import TurnpikeControl
public import TurnpikeModel

extension SQLiteStore {
    public func resourceCount() async throws -> Int {
        try await read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM resource") ?? 0 }
    }

    /// Resources come in pages, so that memory stays bounded; the next pages are read and parsed while `each` takes one.
    /// Kinds come in their own order, so what is referred to comes first.
    public func forEachResource(_ each: (Resource) throws -> Void) async throws {
        var scan = ResourceScan(tenants: try await read(ResourceScan.tenants))
        try await withThrowingTaskGroup(of: (Int, [Resource]).self) { group in
            var (started, taken) = (0, 0)
            var early: [Int: [Resource]] = [:]
            while true {
                while !scan.isDone, started - taken < Self.pagesAtOnce {
                    let position = scan
                    let page: ResourceScan.Page
                    (page, scan) = try await read { db in
                        var scan = position
                        return (try scan.nextPage(db), scan)
                    }
                    let number = started
                    group.addTask { (number, try page.map { try $0.resource() }) }
                    started += 1
                }
                guard let (number, resources) = try await group.next() else { return }
                early[number] = resources
                while let page = early.removeValue(forKey: taken) {
                    for resource in page { try each(resource) }
                    taken += 1
                }
            }
        }
    }

    /// Pages of resources that are parsed side by side.
    private static let pagesAtOnce = 4

    public func logEnd() async throws -> LogPosition {
        try await read { db in
            let last = "SELECT number, hash FROM revision ORDER BY number DESC LIMIT 1"
            return try LogPosition.fetch(db, last) ?? LogPosition.fetch(db, LogPosition.startSQL) ?? .start
        }
    }

    public func logStart() async throws -> LogPosition {
        try await read { db in try LogPosition.fetch(db, LogPosition.startSQL) ?? .start }
    }

    public func commit(
        _ records: [RevisionRecord], replies: [StoredReply],
        done: @escaping @Sendable (Result<Void, any Error>) -> Void
    ) {
        guard !records.isEmpty || !replies.isEmpty else { return done(.success(())) }
        write(
            { db in
                var writer = try RevisionWriter(db)
                for record in records { try writer.write(record) }
                for reply in replies { try reply.insert(db) }
            }, done: done)
    }

    public func records(_ query: LogQuery) async throws -> LogPage {
        let (stored, next) = try await read { db in try StoredRecord.fetch(db, query) }
        return LogPage(records: try stored.map { try $0.record() }, next: next)
    }

    public func revision(before changes: Int) async throws -> Revision {
        try await read { db in
            let place = "SELECT revision FROM change ORDER BY revision DESC, position DESC LIMIT 1 OFFSET ?"
            return try Revision.fetchOne(db, sql: place, arguments: [max(0, changes)]) ?? 0
        }
    }

    /// How many entries and changes one transaction forgets, so that writes between them need not wait long. An entry
    /// goes whole, however large.
    private static let entriesForgottenAtOnce = 1000
    private static let changesForgottenAtOnce = 10_000

    /// Pages that one transaction gives back to the disk.
    private static let pagesFreedAtOnce = 10_000

    public func forgetRecords(before time: Timestamp) async throws -> Int {
        let gone = try await forgetRecords(before: time, changes: Self.changesForgottenAtOnce)
        // What one call could not give back, the next one does.
        let free = try await read { db in try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0 }
        if gone > 0 || free > 0 { try await freePages() }
        return gone
    }

    /// Makes the file smaller by what it no longer uses, where it was made so that it can shrink.
    private func freePages() async throws {
        try await write { db in try db.execute(sql: "PRAGMA incremental_vacuum(\(Self.pagesFreedAtOnce))") }
    }

    func forgetRecords(before time: Timestamp, changes most: Int) async throws -> Int {
        try await write { db in
            let oldest = try Row.fetchCursor(
                db,
                sql: """
                    SELECT number, hash, (SELECT count(*) FROM change WHERE change.revision = revision.number)
                    FROM revision
                    WHERE number < coalesce((SELECT min(number) FROM revision WHERE at >= ?1), 9223372036854775807)
                        AND number < (SELECT max(number) FROM revision)
                    ORDER BY number LIMIT ?2
                    """, arguments: [time.milliseconds, Self.entriesForgottenAtOnce])
            var last: (number: Revision, hash: String)?
            var changes = 0
            while let row = try oldest.next() {
                changes += try row.decode(Int.self, atIndex: 2)
                if last != nil, changes > most { break }
                last = (try row.decode(atIndex: 0), try row.decode(atIndex: 1))
            }
            guard let (number, hash) = last else { return 0 }
            // Only what lies before everything that is young enough: a clock that was wrong leaves later entries with earlier
            // times, and they must take nothing with them.
            try db.execute(sql: "DELETE FROM change WHERE revision <= ?", arguments: [number])
            try db.execute(sql: "DELETE FROM revision WHERE number <= ?", arguments: [number])
            let gone = db.changesCount
            try db.execute(sql: "DELETE FROM clock_jump WHERE revision <= ?", arguments: [number])
            try db.execute(
                sql: "INSERT OR REPLACE INTO log_start (id, revision, hash) VALUES (1, ?, ?)",
                arguments: [number, hash])
            return gone
        }
    }
}

extension LogPosition {
    fileprivate static let startSQL = "SELECT revision, hash FROM log_start WHERE id = 1"

    fileprivate static func fetch(_ db: Database, _ sql: String) throws -> LogPosition? {
        try Row.fetchOne(db, sql: sql).map {
            LogPosition(revision: try $0.decode(atIndex: 0), hash: try $0.decode(atIndex: 1))
        }
    }
}
