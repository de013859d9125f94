// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Testing
import TurnpikeControl
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeSQLite

@Suite struct BackupTests {
    private let now = Timestamp(seconds: 1_800_000_000)

    @Test func `a backup of a store in use restores what was there, and nothing else`() async throws {
        try await withTemporaryDirectory { path in
            var make = RecordMaker()
            let store = try await SQLiteStore.open(path: path + "/data", logger: .silent)
            try await store.commit([make.creating(try make.tenant("acme"))])
            try await store.take(1, .usage(1, 1, [.count(1)]))
            #expect(try Backup.take(of: path + "/data", to: path + "/copy") == 1)
            #expect(try permissionsOf(path + "/copy") == 0o600)
            try await store.commit([make.creating(try make.tenant("late"))])
            let usage = try await store.read { try Int.fetchOne($0, sql: "SELECT sum(requests) FROM usage_series") }
            try await store.close()

            #expect(try Backup.restore(path + "/copy", to: path + "/again", at: now) == 1)
            let restored = try await SQLiteStore.open(path: path + "/again", logger: .silent)
            #expect(try await restored.keys() == ["tenant acme"])
            #expect(
                try await restored.read { try Int.fetchOne($0, sql: "SELECT sum(requests) FROM usage_series") } == usage
            )
            // The log says so itself, far above anything that workers may have seen, and its chain goes on.
            let log = try await restored.records(after: 0, limit: 9)
            #expect(log.map(\.revision) == [1, 1 + Backup.revisionGap + now.milliseconds])
            #expect(log[1].reason == "Restored from a backup that ends with revision 1" && log[1].changes.isEmpty)
            #expect(log[1].isSealIntact && log[1].previousHash == log[0].hash)
            try await restored.close()
            #expect(try Inspection(of: path + "/again") { _ in }.isGood)
        }
    }

    @Test func `nothing is overwritten`() async throws {
        try await withTemporaryDirectory { path in
            try await SQLiteStore.open(path: path + "/data", logger: .silent).close()
            _ = try Backup.take(of: path + "/data", to: path + "/copy")
            #expect(throws: TurnpikeError.self) { try Backup.take(of: path + "/data", to: path + "/copy") }
            #expect(throws: TurnpikeError.self) { try Backup.restore(path + "/copy", to: path + "/data", at: now) }
        }
    }

    @Test(arguments: ["-wal", "-shm", "-journal"])
    func `what a former database left behind is not taken into a restored one`(suffix: String) async throws {
        try await withTemporaryDirectory { path in
            var make = RecordMaker()
            let store = try await SQLiteStore.open(path: path + "/data", logger: .silent)
            try await store.commit([make.creating(try make.tenant("acme"))])
            _ = try Backup.take(of: path + "/data", to: path + "/copy")
            try await store.commit([make.creating(try make.tenant("later"))])
            // As after a crash whose database was taken away: the file is gone, and its WAL is not.
            try FileManager.default.createDirectory(atPath: path + "/again", withIntermediateDirectories: false)
            let left = path + "/again/turnpike.sqlite" + suffix
            try FileManager.default.copyItem(atPath: path + "/data/turnpike.sqlite-wal", toPath: left)
            try await store.close()
            let error = #expect(throws: TurnpikeError.self) {
                try Backup.restore(path + "/copy", to: path + "/again", at: now)
            }
            #expect(error?.detail.contains(left) == true)
            #expect(!FileManager.default.fileExists(atPath: path + "/again/turnpike.sqlite"))
        }
    }

    @Test(arguments: ["nothing", "text", "torn"])
    func `what is no whole backup is refused, and leaves no database`(what: String) async throws {
        try await withTemporaryDirectory { path in
            var make = RecordMaker()
            let store = try await SQLiteStore.open(path: path + "/data", logger: .silent)
            for number in 0..<200 { try await store.commit([make.creating(try make.tenant("t\(number)"))]) }
            try await store.close()
            _ = try Backup.take(of: path + "/data", to: path + "/whole")
            switch what {
            case "text": try "no database".write(toFile: path + "/copy", atomically: true, encoding: .utf8)
            case "torn":
                var bytes = try Data(contentsOf: URL(fileURLWithPath: path + "/whole"))
                bytes.replaceSubrange(bytes.count / 2..<bytes.count, with: Data(count: bytes.count - bytes.count / 2))
                try bytes.write(to: URL(fileURLWithPath: path + "/copy"))
            default: break
            }
            #expect(throws: TurnpikeError.self) { try Backup.restore(path + "/copy", to: path + "/again", at: now) }
            #expect(!FileManager.default.fileExists(atPath: path + "/again/turnpike.sqlite"))
        }
    }
}
