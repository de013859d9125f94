// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Testing
import TurnpikeControl
import TurnpikeModel
import TurnpikeTelemetry
import TurnpikeTestSupport

@testable import TurnpikeSQLite

@Suite struct OpeningTests {
    @Test func `metrics tell how large the files are`() async throws {
        try await withTemporaryDirectory { path in
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            let metrics = MetricsRegistry()
            store.report(to: metrics)
            var make = RecordMaker()
            try await store.commit([make.creating(try make.tenant("acme"))])
            for (name, suffix) in [("database", ""), ("wal", "-wal")] {
                let attributes = try FileManager.default.attributesOfItem(atPath: path + "/turnpike.sqlite" + suffix)
                let size = try #require(attributes[.size] as? Int)
                #expect(size > 0)
                #expect(metrics.render().contains("turnpike_database_bytes{file=\"\(name)\"} \(size)\n"))
            }
            try await store.close()
            #expect(metrics.render().contains("turnpike_database_bytes{file=\"wal\"} 0\n"))
        }
    }

    @Test func `only the owner may read the files`() async throws {
        try await withTemporaryDirectory { path in
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            try await store.take(1, .usage(1, 1, [.count(1)]))
            for (name, permissions) in [("", 0o700), ("/turnpike.sqlite", 0o600), ("/turnpike.sqlite-wal", 0o600)] {
                #expect(try permissionsOf(path + name) == permissions, "\(name)")
            }
            try await store.close()
        }
    }

    @Test func `permissions that are too wide are narrowed`() async throws {
        try await withTemporaryDirectory { path in
            try await SQLiteStore.open(path: path, logger: .silent).close()
            let file = path + "/turnpike.sqlite"
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            #expect(try permissionsOf(file) == 0o600)
            try await store.close()
        }
    }

    @Test func `a commit waits for the disk, and references are enforced`() async throws {
        try await withTemporaryDirectory { path in
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            let settings = try await store.pool.writeWithoutTransaction { db in
                try ["synchronous", "journal_mode", "foreign_keys", "application_id"].map {
                    try String.fetchOne(db, sql: "PRAGMA \($0)")
                }
            }
            #expect(settings == ["2", "wal", "1", "1414548293"])
            try await store.close()
        }
    }

    @Test func `two servers cannot share a data directory`() async throws {
        try await withTemporaryDirectory { path in
            let first = try await SQLiteStore.open(path: path, logger: .silent)
            let error = await #expect(throws: TurnpikeError.self) {
                _ = try await SQLiteStore.open(path: path, logger: .silent)
            }
            #expect(error?.code == .storageFailed)
            #expect(error?.detail == "The data directory '\(path)' is in use by another server.")
            #expect(try await first.latestRevision() == 0)
            try await first.close()
            try await SQLiteStore.open(path: path, logger: .silent).close()
        }
    }

    @Test func `a failed start leaves the directory free`() async throws {
        try await withTemporaryDirectory { path in
            try write(Array("not a database at all, but long enough to look like one".utf8), to: path)
            for _ in 0..<2 {
                let error = await #expect(throws: TurnpikeError.self) {
                    _ = try await SQLiteStore.open(path: path, logger: .silent)
                }
                #expect(error?.detail == "'\(path)/turnpike.sqlite' is no SQLite database, or it is damaged.")
            }
            try FileManager.default.removeItem(atPath: path + "/turnpike.sqlite")
            try await SQLiteStore.open(path: path, logger: .silent).close()
        }
    }

    @Test func `a path that is no directory is refused by name`() async throws {
        try await withTemporaryDirectory { path in
            try Data().write(to: URL(filePath: path))
            let error = await #expect(throws: TurnpikeError.self) {
                _ = try await SQLiteStore.open(path: path, logger: .silent)
            }
            #expect(error?.detail == "The data directory '\(path)' cannot be used.")
        }
    }

    // The second page maps the others, for when the file shrinks; the third is the first table's.
    @Test(arguments: [0, 100, 8_192])
    func `a damaged file is refused and left as it is`(damagedFrom: Int) async throws {
        try await withTemporaryDirectory { path in
            try await SQLiteStore.open(path: path, logger: .silent).close()
            var bytes = try contents(of: path)
            let original = bytes
            for index in damagedFrom..<min(damagedFrom + 200, bytes.count) { bytes[index] ^= 0x5A }
            #expect(bytes != original)
            try write(bytes, to: path)
            do {
                let store = try await SQLiteStore.open(path: path, logger: .silent)
                // Damage behind the header shows when the page is read.
                await StoreContract.expectRefusal("usage in a damaged file") {
                    try await store.take(1, .usage(1, 1, [.count(1)]))
                    _ = try await store.totals()
                    _ = try await store.documents()
                    _ = try await store.records(after: 0, limit: 1)
                    _ = try await store.committed(.quota(1))
                }
                try await store.close()
            } catch let error as TurnpikeError {
                #expect(error.code == .storageFailed)
                #expect(try contents(of: path) == bytes)
            }
        }
    }

    @Test func `another program's database is refused and left as it is`() async throws {
        try await withTemporaryDirectory { path in
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            let queue = try DatabaseQueue(path: path + "/turnpike.sqlite")
            try await queue.write { try $0.execute(sql: "CREATE TABLE theirs (a)") }
            try queue.close()
            let bytes = try contents(of: path)
            let error = await #expect(throws: TurnpikeError.self) {
                _ = try await SQLiteStore.open(path: path, logger: .silent)
            }
            #expect(error?.detail == "'\(path)/turnpike.sqlite' is the database of another program.")
            #expect(try contents(of: path) == bytes)
        }
    }

    @Test func `methods of a closed store fail`() async throws {
        try await withTemporaryDirectory { path in
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            try await store.close()
            await StoreContract.expectRefusal("a read after the end") { _ = try await store.latestRevision() }
            await StoreContract.expectRefusal("a write after the end") { try await store.take(1, .usage(1, 1, [])) }
        }
    }
}

func contents(of directory: String) throws -> [UInt8] {
    try Array(Data(contentsOf: URL(filePath: directory + "/turnpike.sqlite")))
}

private func write(_ bytes: [UInt8], to directory: String) throws {
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(filePath: directory + "/turnpike.sqlite"))
}

func permissionsOf(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
}
