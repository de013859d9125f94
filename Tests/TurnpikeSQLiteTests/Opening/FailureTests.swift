// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Testing
import TurnpikeControl
import TurnpikeMetering
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeSQLite

@Suite struct FailureTests {
    @Test func `a full disk refuses the write, and the store goes on once there is room`() async throws {
        try await withTemporaryDirectory { path in
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            var make = RecordMaker()
            try await store.commit([make.creating(try make.tenant("acme"))])
            let before = try await store.documents()
            let services = try (0..<2000).map { Change(before: nil, after: try make.service("acme", "s\($0)")) }
            let large = make.record(services)
            let room = try await store.pool.writeWithoutTransaction { db in
                try Int.fetchOne(db, sql: "PRAGMA max_page_count = 40")
            }
            #expect(room == 40)
            let error = await #expect(throws: TurnpikeError.self) { try await store.commit([large]) }
            #expect(error?.code == .storageFailed && error?.detail == "The disk that holds the data is full.")
            #expect((error?.cause as? DatabaseError)?.resultCode == .SQLITE_FULL)
            #expect(try await store.documents() == before)

            _ = try await store.pool.writeWithoutTransaction { db in
                try Int.fetchOne(db, sql: "PRAGMA max_page_count = 1000000")
            }
            try await store.commit([large])
            #expect(try await store.documents().count == 2001)
            try await store.close()
        }
    }

    @Test func `a database that can only be read refuses writes and answers reads`() async throws {
        try await withTemporaryDirectory { path in
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            try await store.take(1, .usage(1, 1, [.count(1)]))
            try await store.pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = ON") }
            let error = await #expect(throws: TurnpikeError.self) { try await store.take(1, .usage(1, 2, [.count(2)])) }
            #expect(error?.code == .storageFailed && error?.detail == "The data can be read only, not written.")
            #expect(try await store.totals().map(\.counters.requests) == [1])
            await #expect(throws: TurnpikeError.self) { try await store.tryWriting() }
            try await store.pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = OFF") }
            try await store.tryWriting()
            try await store.take(1, .usage(1, 2, [.count(2)]))
            #expect(try await store.totals().map(\.counters.requests) == [2])
            try await store.close()
        }
    }

    @Test(.enabled("permissions do not bind root") { geteuid() != 0 })
    func `a read-only file is refused when it is opened`() async throws {
        try await withTemporaryDirectory { path in
            try await SQLiteStore.open(path: path, logger: .silent).close()
            try FileManager.default.setAttributes([.posixPermissions: 0o400], ofItemAtPath: path + "/turnpike.sqlite")
            let error = await #expect(throws: TurnpikeError.self) {
                _ = try await SQLiteStore.open(path: path, logger: .silent)
            }
            #expect(error?.detail == "The data directory '\(path)' cannot be used.")
        }
    }

    @Test func `a document that does not fit its kind is an error, not a crash`() async throws {
        try await withTemporaryDirectory { path in
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            var make = RecordMaker()
            try await store.commit([make.creating(try make.tenant("acme"))])
            for document in ["", "{", "[]", "{}", "null", #"{"id":"ten_x"}"#] {
                try await store.pool.write { db in
                    try db.execute(sql: "UPDATE resource SET document = ?", arguments: [document])
                    try db.execute(sql: "UPDATE change SET after = ?", arguments: [document])
                }
                let error = await #expect(throws: TurnpikeError.self) { _ = try await store.documents() }
                #expect(error?.detail == "A stored tenant cannot be read.")
                await StoreContract.expectRefusal(document) { _ = try await store.records(after: 0, limit: 1) }
            }
            try await store.close()
        }
    }

    @Test func `a cursor of another grouping is refused`() async throws {
        try await withTemporaryDirectory { path in
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            var query = UsageQuery(tenant: .number(1), minutes: 0..<9, groupBy: [.key], bucketStarts: [0], limit: 1)
            for place in [
                UsageRow.Place(bucket: 0, apiKey: nil, route: .number(1), statusClass: nil),
                UsageRow.Place(bucket: 1, apiKey: .zero, route: nil, statusClass: nil),
                UsageRow.Place(bucket: -1, apiKey: .zero, route: nil, statusClass: nil),
            ] {
                query.after = place
                let asked = query
                let error = await #expect(throws: TurnpikeError.self) { _ = try await store.usage(asked) }
                #expect(error?.code == .invalidCursor)
            }
            try await store.close()
        }
    }

    @Test func `a write whose task is cancelled is done all the same`() async throws {
        try await withTemporaryDirectory { path in
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                try await store.take(1, .usage(1, 1, [.count(1)]))
            }
            try await task.value
            #expect(try await store.totals().map(\.counters.requests) == [1])
            try await store.close()
        }
    }
}
