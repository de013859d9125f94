// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeControl
import TurnpikeMetering
import TurnpikeSQLite
import TurnpikeTestSupport

@Suite struct StoreContractTests {
    @Test(arguments: StoreContract.clauses)
    func `the SQLite store keeps the contract of stores`(clause: StoreContract.Clause) async throws {
        try await withTemporaryDirectory { path in
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            try await clause.verify(store)
            try await store.close()
        }
    }

    @Test(arguments: StoreContract.clauses)
    func `the store in memory, which other tests rest on, keeps it as well`(clause: StoreContract.Clause) async throws {
        try await clause.verify(InMemoryStore())
    }

    @Test func `what the store took is there when it is opened again`() async throws {
        try await withTemporaryDirectory { path in
            var make = RecordMaker()
            let record = make.creating(try make.tenant("acme"), try make.service("acme", "orders"))
            var store = try await SQLiteStore.open(path: path, logger: .silent)
            try await store.commit([record])
            try await store.take(1, .usage(1, 4, [.count(3)]))
            try await store.grant([(.number(1), 1, .quota(1), 9)])
            try await store.close()

            store = try await SQLiteStore.open(path: path, logger: .silent)
            #expect(try await store.records(after: 0, limit: 9).map(\.json) == [record.json])
            #expect(try await store.keys() == ["tenant acme", "service acme/orders"])
            #expect(try await store.take(1, .usage(1, 5, [.count(5)])).first?.hasGap == false)
            #expect(try await store.totals().map(\.counters.requests) == [5])
            #expect(try await store.committed(.quota(1)) == 9)
            try await store.close()
        }
    }
}
