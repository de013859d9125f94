// SPDX-License-Identifier: Apache-2.0

import GRDB
import Synchronization
import Testing
import TurnpikeControl
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeSQLite

/// What keeps the store fast is that no statement reads a whole table.
@Suite struct QueryPlanTests {
    @Test func `no statement scans a table`() async throws {
        try await withTemporaryDirectory { path in
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            let statements = Mutex<Set<String>>([])
            let trace: @Sendable (Database) -> Void = { db in
                db.trace { event in
                    guard case .statement(let statement) = event else { return }
                    _ = statements.withLock { $0.insert(statement.sql) }
                }
            }
            try await store.pool.writeWithoutTransaction { trace($0) }
            let traced = try await exercise(store, statements: statements)
            #expect(traced.count > 8)
            for sql in traced where !sql.hasPrefix("SELECT max(number)") {
                let plan = try await store.pool.read { db in
                    try Row.fetchAll(
                        db, sql: "EXPLAIN QUERY PLAN " + sql,
                        arguments: StatementArguments(Array(repeating: nil as Int?, count: sql.count { $0 == "?" }))
                    ).map { $0["detail"] as String? ?? "" }
                }
                #expect(!plan.contains { $0.hasPrefix("SCAN") && !$0.contains("CONSTANT") }, "\(sql)\n\(plan)")
            }
            try await store.close()
        }
    }

    /// Runs what the store can do on its writer, where statements are traced.
    private func exercise(_ store: SQLiteStore, statements: borrowing Mutex<Set<String>>) async throws -> Set<String> {
        var make = RecordMaker()
        let (tenant, service) = (try make.tenant("acme"), try make.service("acme", "s"))
        let route = try make.route("acme", "r", to: "s")
        let records = [
            make.creating(tenant, service, route),
            make.record([Change(before: route, after: make.relabelled(route, ["a": "b"]))]), make.deleting(route),
        ]
        try await store.commit(records)
        try await store.grant([(.number(1), 1, .quota(1), 5)])
        try await store.take(1, .usage(1, 1, [.count(1)]), .spending(1, 2, .quota(1), consumed: 1))
        try await store.pool.writeWithoutTransaction { db in
            var scan = ResourceScan(tenants: try ResourceScan.tenants(db))
            while !scan.isDone { _ = try scan.nextPage(db) }
            _ = try StoredRecord.fetch(db, LogQuery(above: 1, limit: 10))
            _ = try StoredRecord.fetch(db, LogQuery(isDescending: true, tenant: "acme", kind: .route, limit: 10))
            _ = try LeaseTable(db: db).committed(.quota(1))
            _ = try LeaseTable(db: db).totals(worker: .number(1), epoch: 1, key: .quota(1))
            for grouping in [[], [.key], [.key, .route, .statusClass]] as [[UsageQuery.Dimension]] {
                let place = UsageRow.Place(bucket: 0, apiKey: .zero, route: .zero, statusClass: 1)
                for after in [nil, place] {
                    let query = UsageQuery(
                        tenant: .number(1), minutes: 0..<9, groupBy: grouping, bucketStarts: [0, 5], after: after,
                        limit: 5
                    )
                    _ = try UsageReader(db, query).rows()
                }
            }
        }
        return statements.withLock { $0.filter { $0.contains("SELECT") || $0.contains("WHERE") } }
    }
}
