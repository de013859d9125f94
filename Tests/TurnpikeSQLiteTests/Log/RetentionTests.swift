// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeControl
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeSQLite

@Suite struct RetentionTests {
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
