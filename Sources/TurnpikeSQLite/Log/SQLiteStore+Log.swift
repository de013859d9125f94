// SPDX-License-Identifier: Apache-2.0

import GRDB
public import TurnpikeControl
public import TurnpikeModel

extension SQLiteStore {
    /// Resources come in pages, each read on its own, so that memory stays bounded. Kinds come in their own order, so
    /// what is referred to comes first.
    public func forEachResource(_ each: (Resource) throws -> Void) async throws {
        var scan = ResourceScan(tenants: try await read(ResourceScan.tenants))
        while !scan.isDone {
            let position = scan
            let page: ResourceScan.Page
            (page, scan) = try await read { db in
                var scan = position
                return (try scan.nextPage(db), scan)
            }
            for document in page { try each(document.resource()) }
        }
    }

    public func latestRevision() async throws -> Revision {
        try await read { db in try Revision.fetchOne(db, sql: "SELECT max(number) FROM revision") ?? 0 }
    }

    public func commit(_ records: [RevisionRecord]) async throws {
        guard !records.isEmpty else { return }
        try await write { db in
            var writer = try RevisionWriter(db)
            for record in records { try writer.write(record) }
        }
    }

    public func records(after revision: Revision, limit: Int) async throws -> [RevisionRecord] {
        let stored = try await read { db in try StoredRecord.fetch(db, after: revision, limit: limit) }
        return try stored.map { stored in
            RevisionRecord(
                revision: stored.number, at: stored.at, actor: stored.actor, reason: stored.reason,
                requestID: stored.requestID,
                changes: try stored.changes.map { Change(before: try $0?.resource(), after: try $1?.resource()) }
            )
        }
    }
}
