// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Testing
import TurnpikeControl
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeSQLite

@Suite struct MigrationTests {
    @Test func `steps are numbered from 1 without gaps`() {
        #expect(Migration.all.map(\.number) == Array(1...Migration.all.count))
    }

    @Test(arguments: 0..<Migration.all.count)
    func `a file of every earlier version is brought up to date, its data kept`(version: Int) async throws {
        try await withTemporaryDirectory { path in
            let earlier = Migrator(migrations: Array(Migration.all.prefix(version)))
            let old = try SQLiteStore.open(path: path + "/old", logger: .silent, migrator: earlier)
            var make = RecordMaker()
            let record = make.creating(try make.tenant("acme"))
            if version >= 1 { try await old.commit([record]) }
            try await old.close()

            let store = try await SQLiteStore.open(path: path + "/old", logger: .silent)
            let fresh = try await SQLiteStore.open(path: path + "/fresh", logger: .silent)
            #expect(try await schema(of: store) == schema(of: fresh))
            #expect(try await store.records(after: 0, limit: 9).map(\.json) == (version >= 1 ? [record.json] : []))
            try await store.take(1, .usage(1, 1, [.count(1)]))
            try await store.close()
            try await fresh.close()
        }
    }

    @Test func `a file of a newer version is refused and left as it is`() async throws {
        try await withTemporaryDirectory { path in
            let next = Migration(number: Migration.all.count + 1, sql: "CREATE TABLE invoice (id INTEGER) STRICT")
            let newer = Migrator(migrations: Migration.all + [next])
            try await SQLiteStore.open(path: path, logger: .silent, migrator: newer).close()
            let bytes = try contents(of: path)
            let error = await #expect(throws: TurnpikeError.self) {
                _ = try await SQLiteStore.open(path: path, logger: .silent)
            }
            #expect(error?.code == .storageFailed)
            #expect(error?.detail.contains("has schema version \(next.number), written by a newer release") == true)
            #expect(error?.detail.contains("versions up to \(Migration.all.count)") == true)
            #expect(try contents(of: path) == bytes)
        }
    }

    @Test func `a step that fails leaves the version before it`() async throws {
        try await withTemporaryDirectory { path in
            let broken = Migration(number: 3, sql: "CREATE TABLE half (id INTEGER) STRICT; CREATE NONSENSE")
            #expect(throws: TurnpikeError.self) {
                _ = try SQLiteStore.open(
                    path: path, logger: .silent, migrator: Migrator(migrations: Migration.all + [broken])
                )
            }
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            #expect(try await schema(of: store).contains { $0.contains("half") } == false)
            try await store.close()
        }
    }

    private func schema(of store: SQLiteStore) async throws -> [String] {
        try await store.pool.read { db in
            try String.fetchAll(db, sql: "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
                + [try String.fetchOne(db, sql: "PRAGMA user_version") ?? ""]
        }
    }
}
