// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Testing
import TurnpikeControl
import TurnpikeMetering
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeSQLite

@Suite struct DurabilityTests {
    /// The files as they are while the server runs are what a `kill -9` leaves behind.
    @Test func `everything committed survives a crash, and nothing half done does`() async throws {
        try await withTemporaryDirectory { path in
            let store = try await SQLiteStore.open(path: path + "/running", logger: .silent)
            var make = RecordMaker()
            var committed: [JSON] = []
            for round in 1...20 {
                let record = make.creating(try make.tenant("t\(round)"), try make.service("t\(round)", "s"))
                try await store.commit([record])
                try await store.take(1, .usage(1, Int64(round), [.count(Int64(round), minute: Int64(round))]))
                committed.append(record.json)
                guard round % 5 == 0 else { continue }
                let copy = path + "/crashed-\(round)"
                try copyDatabase(from: path + "/running", to: copy)
                let survivor = try await SQLiteStore.open(path: copy, logger: .silent)
                #expect(try await survivor.records(after: 0, limit: 100).map(\.json) == committed)
                #expect(try await survivor.keys().count == 2 * round)
                #expect(try await survivor.totals().map(\.counters.requests) == [Int64(round * (round + 1) / 2)])
                let integrity = try await survivor.pool.read { try String.fetchOne($0, sql: "PRAGMA integrity_check") }
                #expect(integrity == "ok")
                try await survivor.close()
            }
            try await store.close()
        }
    }

    @Test func `a transaction that the crash cut off is gone as a whole`() async throws {
        try await withTemporaryDirectory { path in
            let store = try await SQLiteStore.open(path: path + "/running", logger: .silent)
            var make = RecordMaker()
            try await store.commit([make.creating(try make.tenant("acme"))])
            let intact = try Data(contentsOf: URL(filePath: path + "/running/turnpike.sqlite-wal")).count
            let services = try (0..<500).map { Change(before: nil, after: try make.service("acme", "s\($0)")) }
            try await store.commit([make.record(services)])
            let whole = try Data(contentsOf: URL(filePath: path + "/running/turnpike.sqlite-wal")).count
            #expect(whole > intact + 10_000)
            for length in [intact, intact + 5_000, (intact + whole) / 2, whole - 1] {
                let copy = path + "/crashed-\(length)"
                try copyDatabase(from: path + "/running", to: copy, walBytes: length)
                let survivor = try await SQLiteStore.open(path: copy, logger: .silent)
                #expect(try await survivor.keys() == ["tenant acme"], "\(length) of \(whole) bytes")
                #expect(try await survivor.latestRevision() == 1)
                try await survivor.close()
            }
            try await store.close()
        }
    }
}

private func copyDatabase(from source: String, to target: String, walBytes: Int? = nil) throws {
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
    for name in ["/turnpike.sqlite", "/turnpike.sqlite-wal"] {
        var data = try Data(contentsOf: URL(filePath: source + name))
        if let walBytes, name.hasSuffix("-wal") { data = data.prefix(walBytes) }
        try data.write(to: URL(filePath: target + name))
    }
}
