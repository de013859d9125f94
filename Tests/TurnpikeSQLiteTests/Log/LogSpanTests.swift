// SPDX-License-Identifier: Apache-2.0

import GRDB
import Testing
import TurnpikeControl
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeSQLite

/// Entries of the log that are asked for by time.
@Suite struct LogSpanTests {
    /// A store whose log has an entry at each of these times, in milliseconds.
    private func withLog(at times: [Int64], _ body: (SQLiteStore) async throws -> Void) async throws {
        try await withTemporaryDirectory { path in
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            var number: Revision = 0
            let records = times.map { time -> RevisionRecord in
                // Some revisions are not there.
                number += time % 3 == 0 ? 1_000_000_000 : 1
                return RevisionRecord(
                    revision: number, at: Timestamp(milliseconds: time), actor: "operator:\(time % 2)", reason: "",
                    requestID: "r", changes: [])
            }
            var sealed: [RevisionRecord] = []
            for var record in records {
                record.seal(after: sealed.last?.hash ?? LogChain.start)
                sealed.append(record)
            }
            try await store.commit(sealed)
            try await body(store)
            try await store.close()
        }
    }

    /// All pages of a query: the times of their entries, and how many pages there were.
    private func pages(_ query: LogQuery, _ store: SQLiteStore) async throws -> (times: [Int64], count: Int) {
        var (times, count): ([Int64], Int) = ([], 0)
        var next: LogQuery? = query
        while let asked = next {
            let page = try await store.records(asked)
            times += page.records.map(\.at.milliseconds)
            count += 1
            next = page.next.map { asked.going(on: $0) }
        }
        return (times, count)
    }

    @Test(arguments: [true, false])
    func `what lies far back in a long log comes with the first page`(isDescending: Bool) async throws {
        try await withLog(at: Array(0..<6000)) { store in
            for (from, to) in [(100, 103), (3000, 3003), (5990, 5993)] {
                let query = LogQuery(
                    isDescending: isDescending, from: Timestamp(milliseconds: Int64(from)),
                    to: Timestamp(milliseconds: Int64(to)), limit: 10, examineLimit: 50)
                let expected = (from..<to).map(Int64.init)
                let found = try await pages(query, store)
                #expect(found.times == (isDescending ? expected.reversed() : expected) && found.count == 1)
            }
            for query in [
                LogQuery(to: Timestamp(milliseconds: 0), limit: 10, examineLimit: 50),
                LogQuery(from: Timestamp(milliseconds: 6000), limit: 10, examineLimit: 50),
            ] {
                let found = try await pages(query, store)
                #expect(found.times.isEmpty && found.count == 1)
            }
        }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `every entry of a span is found once, wherever the clock jumped back`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        var time = Int64(1000)
        let times = (0..<250).map { _ -> Int64 in
            time += Int64.random(in: 0...4, using: &random)
            if Int.random(in: 0..<40, using: &random) == 0 { time -= Int64.random(in: 0...500, using: &random) }
            return time
        }
        try await withLog(at: times) { store in
            for _ in 0..<15 {
                let bounds = [
                    Int64.random(in: 500...1800, using: &random), Int64.random(in: 500...1800, using: &random),
                ]
                let (from, to) = (bounds.min() ?? 0, bounds.max() ?? 0)
                let isDescending = Bool.random(using: &random)
                let actor: String? = Bool.random(using: &random) ? "operator:1" : nil
                let query = LogQuery(
                    isDescending: isDescending, actor: actor,
                    from: Bool.random(using: &random) ? Timestamp(milliseconds: from) : nil,
                    to: Timestamp(milliseconds: to), limit: 7, examineLimit: 20)
                let expected = times.filter {
                    $0 < to && $0 >= query.from?.milliseconds ?? .min && (actor == nil || $0 % 2 == 1)
                }
                let found = try await pages(query, store).times
                #expect(found == (isDescending ? expected.reversed() : expected), "seed \(seed)")
            }
        }
    }

    @Test
    func
        `jumps of the clock are noted as they come, found in what an earlier release wrote, and forgotten with the log`()
        async throws
    {
        try await withTemporaryDirectory { path in
            let earlier = Migrator(migrations: Array(Migration.all.prefix(4)))
            var store = try SQLiteStore.open(path: path, logger: .silent, migrator: earlier)
            var last = LogChain.start
            func commit(_ times: [Int64], from revision: Revision) async throws {
                for (place, time) in times.enumerated() {
                    var record = RevisionRecord(
                        revision: revision + Int64(place), at: Timestamp(milliseconds: time), actor: "a", reason: "",
                        requestID: "r", changes: [])
                    record.seal(after: last)
                    last = record.hash
                    try await store.commit([record])
                }
            }
            func jumps() async throws -> [Revision] {
                try await store.read { try Revision.fetchAll($0, sql: "SELECT revision FROM clock_jump ORDER BY 1") }
            }
            try await commit([10, 20, 15, 15, 30], from: 1)
            try await store.close()
            store = try await SQLiteStore.open(path: path, logger: .silent)
            #expect(try await jumps() == [3])
            try await commit([29, 40, 39], from: 6)
            #expect(try await jumps() == [3, 6, 8])
            #expect(try await store.forgetRecords(before: Timestamp(milliseconds: 30)) == 4)
            #expect(try await jumps() == [6, 8])
            try await store.close()
        }
    }
}
