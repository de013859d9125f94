// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Synchronization
import Testing
import TurnpikeControl
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeSQLite

@Suite struct CheckpointerTests {
    /// Some 2,500 pages, more than a pass waits for.
    private func commitMuch(to store: SQLiteStore, _ make: inout RecordMaker) async throws {
        try await store.commit([make.creating(try make.tenant("acme"))])
        let services = try (0..<5000).map { Change(before: nil, after: try make.service("acme", "s\($0)")) }
        try await store.commit([make.record(services)])
    }

    /// How many resources the database's file has by itself, without the WAL.
    private func resourcesInFile(_ path: String) throws -> Int {
        let copy = path + "/copy.sqlite"
        try? FileManager.default.removeItem(atPath: copy)
        try FileManager.default.copyItem(atPath: path + "/turnpike.sqlite", toPath: copy)
        let database = try DatabaseQueue(path: copy)
        defer { try? database.close() }
        return try database.read { db in
            // The schema may be in the WAL as yet.
            guard try db.tableExists("resource") else { return 0 }
            return try Int.fetchOne(db, sql: "SELECT count(*) FROM resource") ?? 0
        }
    }

    @Test func `what was written is copied into the file without another write`() async throws {
        try await withTemporaryDirectory { path in
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            var make = RecordMaker()
            try await commitMuch(to: store, &make)
            while store.checkpointer.isUnderWay { await Task.yield() }
            // Whoever notes a write has yet to do so, where the write has only just been answered.
            _ = try await store.pool.write { _ in }
            while store.checkpointer.isUnderWay { await Task.yield() }
            #expect(try resourcesInFile(path) == 5001)
            // And so the WAL begins anew: what is written next takes the place of what was.
            let before = DataDirectory.size(of: path + "/turnpike.sqlite-wal")
            for number in 0..<20 { try await store.commit([make.creating(try make.service("acme", "late-\(number)"))]) }
            #expect(DataDirectory.size(of: path + "/turnpike.sqlite-wal") == before)
            try await store.close()
        }
    }

    @Test func `no write waits for the copying`() async throws {
        try await withTemporaryDirectory { path in
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            let (entered, gate) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            store.checkpointer.connection.asyncWriteWithoutTransaction { _ in
                entered.signal()
                gate.wait()
            }
            await withCheckedContinuation { caller in
                DispatchQueue.global().async {
                    entered.wait()
                    caller.resume()
                }
            }
            var make = RecordMaker()
            try await commitMuch(to: store, &make)
            try await store.commit([make.creating(try make.service("acme", "late"))])
            #expect(try await store.documents().count == 5002)
            #expect(try resourcesInFile(path) == 0)
            gate.signal()
            try await store.close()
            #expect(try resourcesInFile(path) == 5002)
        }
    }

    @Test func `beyond a bound the next write comes after the copying`() async throws {
        try await withTemporaryDirectory { path in
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            var make = RecordMaker()
            try await store.commit([make.creating(try make.tenant("acme"))])
            #expect(try resourcesInFile(path) == 0)
            try store.checkpointer.close()
            let bounded = try Checkpointer(
                pool: store.pool, configuration: Configuration(), mostPages: 1, logger: .silent)
            try await store.pool.write { try $0.execute(sql: "CREATE TABLE extra (a INTEGER)") }
            await withCheckedContinuation { caller in
                store.pool.asyncWriteWithoutTransaction { _ in
                    bounded.noteWrite()
                    caller.resume()
                }
            }
            #expect(try resourcesInFile(path) == 1)
            try bounded.close()
            try await store.close()
        }
    }

    @Test func `who reads an older state keeps his pages in the WAL, and nobody waits for him`() async throws {
        try await withTemporaryDirectory { path in
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            var make = RecordMaker()
            try await store.commit([make.creating(try make.tenant("early"))])
            let reader = try store.pool.makeSnapshot()
            try await commitMuch(to: store, &make)
            _ = try await store.pool.write { _ in }
            while store.checkpointer.isUnderWay { await Task.yield() }
            #expect(try resourcesInFile(path) <= 1)
            #expect(try await reader.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM resource") } == 1)
            try reader.close()
            for number in 0..<20 { try await store.commit([make.creating(try make.service("acme", "late-\(number)"))]) }
            try await store.close()
            #expect(try resourcesInFile(path) == 5022)
        }
    }
}
