// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeControl
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot

extension StoreContract {
    static let usage: [Clause] = [
        Clause("a series counts with its largest total, once for each worker and epoch") { store in
            try await store.take(1, .usage(1, 1, [.count(10)]))
            try await store.take(1, .usage(1, 2, [.count(25)]))
            try await store.take(1, .usage(2, 1, [.count(4)]))
            try await store.take(2, .usage(1, 1, [.count(100)]))
            let sum = UsageCounters(requests: 129, bytesIn: 12_900, bytesOut: 129_000, units: 128)
            #expect(try await store.totals().map(\.counters) == [sum])
            #expect(try await store.totals(tenant: 2).isEmpty)
        },

        Clause("each counter of a series keeps its own maximum") { store in
            var series = UsageSeries.count(5)
            series.counters = UsageCounters(requests: 5, bytesIn: 90, bytesOut: 7, units: 5)
            try await store.take(1, .usage(1, 1, [series]))
            series.counters = UsageCounters(requests: 6, bytesIn: 80, bytesOut: 8, units: 5)
            try await store.take(1, .usage(1, 2, [series]))
            let merged = UsageCounters(requests: 6, bytesIn: 90, bytesOut: 8, units: 5)
            #expect(try await store.totals().map(\.counters) == [merged])
        },

        Clause("a batch taken again changes nothing and gets the same receipt") { store in
            let batch = UsageBatch.usage(1, 1, [.count(10), .count(3, statusClass: 4)])
            let first = try await store.take(1, batch)
            let sums = try await store.totals()
            for _ in 0..<3 { #expect(try await store.take(1, batch) == first) }
            #expect(first == [TakenUsage(sequence: 1, hasGap: false)])
            #expect(try await store.totals() == sums)
        },

        Clause("a receipt names the highest sequence of its worker and epoch, and tells of a gap") { store in
            let deliveries: [(worker: Int, epoch: Epoch, sequence: Int64, receipt: Int64, hasGap: Bool)] = [
                (1, 1, 1, 1, false), (1, 1, 2, 2, false), (1, 1, 5, 5, true), (1, 1, 4, 5, false), (1, 1, 6, 6, false),
                (2, 1, 1, 1, false), (1, 2, 3, 3, true), (3, 1, .max, .max, true),
            ]
            for next in deliveries {
                let taken = try await store.take(next.worker, .usage(next.epoch, next.sequence, []))
                #expect(taken == [TakenUsage(sequence: next.receipt, hasGap: next.hasGap)], "\(next)")
            }
        },

        Clause("batches taken together get their receipts in order") { store in
            let receipts = try await store.takeUsage([
                (.number(1), .usage(7, 1, [.count(1)])), (.number(2), .usage(7, 2, [.count(2)])),
                (.number(1), .usage(7, 2, [.count(5)])), (.number(1), .usage(7, 2, [.count(5)])),
            ])
            #expect(receipts.map(\.sequence) == [1, 2, 2, 2])
            #expect(receipts.map(\.hasGap) == [false, true, false, false])
            #expect(try await store.totals().map(\.counters.requests) == [7])
            #expect(try await store.takeUsage([]).isEmpty)
        },

        Clause("a batch that comes late, after a gap was told, is not lost") { store in
            try await store.take(1, .usage(1, 1, [.count(1, route: 1)]))
            try await store.take(1, .usage(1, 3, [.count(3, route: 3)]))
            try await store.take(1, .usage(1, 2, [.count(2, route: 2)]))
            #expect(try await store.totals(by: .route).map(\.counters.requests) == [1, 2, 3])
        },

        Clause("repeats, reordering and bundling change no sum") { store in
            for seed in UInt64(1)...20 { try await verifyDelivery(seed: seed, store) }
        },

        Clause("readers see whole batches while others are taken") { store in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for count in Int64(1)...60 {
                        try await store.take(1, .usage(1, count, [.count(count, route: 1), .count(count, route: 2)]))
                    }
                }
                for _ in 0..<4 {
                    group.addTask {
                        var seen: Int64 = 0
                        while seen < 60 {
                            let counts = try await store.totals(by: .route).map(\.counters.requests)
                            #expect(counts.isEmpty || (counts.count == 2 && counts[0] == counts[1]), "\(counts)")
                            #expect(counts.first ?? 0 >= seen)
                            seen = counts.first ?? 0
                        }
                    }
                }
                try await group.waitForAll()
            }
        },
    ]

    /// Two workers count for some rounds; their batches then arrive shuffled, some twice, some together.
    private static func verifyDelivery(seed: UInt64, _ store: any Store) async throws {
        var random = SeededGenerator(seed: seed)
        let tenant = 1000 + Int(seed)
        var model = LedgerModel()
        var batches: [(worker: Int, batch: UsageBatch)] = []
        for worker in 1...2 {
            for epoch in Epoch(seed * 10)...Epoch(seed * 10 + 1) {
                var totals: [UsageSeries] = (0..<8).map {
                    .count(0, tenant: tenant, key: $0 % 2, route: 1 + $0 / 4, minute: Int64($0) * 7)
                }
                for sequence in Int64(1)...6 {
                    for index in totals.indices where Bool.random(using: &random) {
                        totals[index].counters += .following(Int64.random(in: 1...100, using: &random))
                    }
                    let reported = totals.filter { _ in Bool.random(using: &random) }
                    batches.append((worker, .usage(epoch, sequence, reported)))
                }
            }
        }
        for one in batches { model.take(one.batch, worker: one.worker) }
        batches += batches.filter { _ in Bool.random(using: &random) }
        batches.shuffle(using: &random)
        while !batches.isEmpty {
            let bundle = batches.suffix(Int.random(in: 1...5, using: &random))
            batches.removeLast(bundle.count)
            _ = try await store.takeUsage(bundle.map { (.number($0.worker), $0.batch) })
        }
        let query = UsageQuery(
            tenant: .number(tenant), minutes: 0..<100, groupBy: [.key, .route, .statusClass],
            bucketStarts: [0, 10, 30], limit: 1000
        )
        #expect(try await store.usage(query) == model.rows(query), "seed \(seed)")
    }
}
