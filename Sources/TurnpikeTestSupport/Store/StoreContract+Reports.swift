// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeControl
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot

extension StoreContract {
    static let reports: [Clause] = [
        Clause("a window includes its first minute and not its last") { store in
            try await store.take(1, .usage(1, 1, (0..<10).map { .count(1 << $0, minute: $0) }))
            for (minutes, sum) in [(2..<5, 0b11100), (0..<1, 1), (9..<10, 512), (10..<20, 0), (5..<5, 0)] {
                let query = UsageQuery(
                    tenant: .number(1), minutes: Int64(minutes.lowerBound)..<Int64(minutes.upperBound), groupBy: [],
                    bucketStarts: [Int64(minutes.lowerBound)], limit: 10
                )
                let sums = try await store.usage(query).map(\.counters.requests)
                #expect(sums == (sum == 0 ? [] : [Int64(sum)]), "\(minutes)")
            }
        },

        Clause("a bucket reaches to the next one's start or the window's end, and empty ones are left out") { store in
            try await store.take(1, .usage(1, 1, [1, 9, 10, 29, 40, 49, 50].map { .count(1 << ($0 / 5), minute: $0) }))
            let query = UsageQuery(
                tenant: .number(1), minutes: 5..<50, groupBy: [], bucketStarts: [0, 10, 20, 30, 40], limit: 10
            )
            let rows = try await store.usage(query)
            #expect(rows.map(\.place.bucket) == [0, 1, 2, 4])
            #expect(rows.map(\.counters.requests) == [2, 4, 32, 256 + 512])
        },

        Clause("rows are grouped by any dimensions, ordered, and paged without loss") { store in
            for seed in UInt64(1)...6 { try await verifyReports(seed: seed, store) }
        },

        Clause("the order in which dimensions are asked for changes nothing") { store in
            try await store.take(1, .usage(1, 1, [.count(1, key: 2, route: 1), .count(2, key: 1, route: 2)]))
            let (one, other) = (try await store.totals(by: .route, .key), try await store.totals(by: .key, .route))
            #expect(one == other && one.map(\.counters.requests) == [2, 1])
        },

        Clause("ten thousand buckets are one question") { store in
            try await store.take(1, .usage(1, 1, [0, 5_000, 9_999].map { .count(7, minute: $0) }))
            var query = UsageQuery(
                tenant: .number(1), minutes: 0..<10_000, groupBy: [.key], bucketStarts: Array(0..<10_000), limit: 2
            )
            #expect(try await store.usage(query).map(\.place.bucket) == [0, 5_000])
            query.after = try await store.usage(query).last?.place
            #expect(try await store.usage(query).map(\.place.bucket) == [9_999])
        },
    ]

    private static func verifyReports(seed: UInt64, _ store: any Store) async throws {
        var random = SeededGenerator(seed: seed)
        var model = LedgerModel()
        let tenants = [Int(seed) * 10, Int(seed) * 10 + 1]
        for worker in 1...3 {
            let series = (0..<150).map { _ in
                UsageSeries.count(
                    Int64.random(in: 1...1000, using: &random), tenant: tenants.randomElement(using: &random) ?? 0,
                    key: Int.random(in: 0...3, using: &random), route: Int.random(in: 1...3, using: &random),
                    statusClass: UInt8.random(in: 1...5, using: &random),
                    minute: Int64.random(in: 0..<60, using: &random)
                )
            }
            let batch = UsageBatch.usage(Epoch(seed), 1, series)
            try await store.take(worker, batch)
            model.take(batch, worker: worker)
        }
        let groupings: [[UsageQuery.Dimension]] = [
            [], [.key], [.route], [.statusClass], [.key, .route], [.key, .statusClass], [.route, .statusClass],
            [.key, .route, .statusClass],
        ]
        for grouping in groupings {
            for starts in [[10], [10, 11, 25, 40]] as [[Int64]] {
                var query = UsageQuery(
                    tenant: .number(tenants[0]), minutes: 10..<50, groupBy: grouping, bucketStarts: starts, limit: 1000
                )
                let expected = model.rows(query)
                #expect(try await store.usage(query) == expected, "seed \(seed), \(grouping), \(starts)")
                query.limit = Int.random(in: 1...9, using: &random)
                var paged: [UsageRow] = []
                while case let page = try await store.usage(query), let last = page.last {
                    guard paged.count <= expected.count else { break }
                    #expect(page.count <= query.limit)
                    paged += page
                    query.after = last.place
                }
                #expect(paged == expected, "seed \(seed), \(grouping), \(starts), limit \(query.limit)")
            }
        }
    }
}
