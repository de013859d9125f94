// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Testing
import TurnpikeControl
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeSQLite

@Suite struct RetentionTests {
    private func size(of path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path + "/turnpike.sqlite")
        return try #require(attributes[.size] as? Int)
    }

    @Test func `a file grows smaller once the log is forgotten`() async throws {
        try await withTemporaryDirectory { path in
            var store = try await SQLiteStore.open(path: path, logger: .silent)
            var make = RecordMaker()
            let tenant = try make.tenant("acme")
            var (records, last) = ([make.creating(tenant)], tenant)
            for number in 0..<2000 {
                let next = make.relabelled(last, ["n": "\(number)"])
                records.append(make.record([Change(before: last, after: next)]))
                last = next
            }
            try await store.commit(records)
            try await store.close()
            let before = try size(of: path)
            store = try await SQLiteStore.open(path: path, logger: .silent)
            let end = Timestamp(milliseconds: .max)
            while try await store.forgetRecords(before: end) > 0 {}
            try await store.close()
            let after = try size(of: path)
            #expect(after * 4 < before, "\(before) -> \(after)")
            #expect(try Inspection(of: path) { _ in }.isGood)
        }
    }

    @Test func `a file that cannot shrink can, once it has gone through a backup`() async throws {
        try await withTemporaryDirectory { path in
            try await SQLiteStore.open(path: path, logger: .silent).close()
            let old = try DatabaseQueue(path: path + "/turnpike.sqlite")
            try await old.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM")
                #expect(try Int.fetchOne(db, sql: "PRAGMA auto_vacuum") == 0)
            }
            try old.close()
            // It is used as it is.
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            var make = RecordMaker()
            for name in ["a", "b"] { try await store.commit([make.creating(try make.tenant(name))]) }
            #expect(try await store.forgetRecords(before: Timestamp(milliseconds: .max)) == 1)
            try await store.close()
            _ = try Backup.take(of: path, to: path + ".copy")
            _ = try Backup.restore(path + ".copy", to: path + ".new", at: Timestamp(seconds: 1_900_000_000))
            let restored = try await SQLiteStore.open(path: path + ".new", logger: .silent)
            #expect(try await restored.read { try Int.fetchOne($0, sql: "PRAGMA auto_vacuum") } == 2)
            try await restored.close()
        }
    }

    @Test func `an entry that a wrong clock has dated long ago takes no younger one with it`() async throws {
        try await withTemporaryDirectory { path in
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            var make = RecordMaker()
            for entry in 0..<5 {
                var record = make.record([Change(before: nil, after: try make.tenant("t\(entry)"))])
                record.at = Timestamp(seconds: entry == 3 ? 1_577_836_800 : 1_800_000_000 + Int64(entry))
                try await store.commit([record])
            }
            let before = Timestamp(seconds: 1_700_000_000)
            #expect(try await store.forgetRecords(before: before) == 0)
            #expect(try await store.records(after: 0, limit: 9).count == 5)
            // In time it goes, with those before it.
            #expect(try await store.forgetRecords(before: Timestamp(seconds: 1_800_000_004)) == 4)
            try await store.close()
        }
    }

    @Test func `one transaction forgets so many changes, but an entry at least`() async throws {
        try await withTemporaryDirectory { path in
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            var make = RecordMaker()
            for entry in 0..<5 {
                let count = entry == 2 ? 9 : 2
                try await store.commit([
                    make.record(
                        try (0..<count).map { Change(before: nil, after: try make.tenant("t\(entry)-\($0)")) })
                ])
            }
            let end = try #require(try await store.records(after: 4, limit: 1).first).at
            var gone: [Int] = []
            while case let count = try await store.forgetRecords(before: end, changes: 4), count > 0 {
                gone.append(count)
            }
            #expect(gone == [2, 1, 1])
            #expect(try await store.records(after: 0, limit: 9).map(\.revision) == [5])
            #expect(try await store.logStart().revision == 4)
            try await store.close()
        }
    }
}
