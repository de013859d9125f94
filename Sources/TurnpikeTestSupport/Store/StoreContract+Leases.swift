// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeControl
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot

extension StoreContract {
    static let leases: [Clause] = [
        Clause("a grant is the epoch's running total and is never lowered") { store in
            let key = LeaseKey.quota(1)
            #expect(try await store.leaseTotals(worker: .number(1), epoch: 1, key: key) == LeaseTotals())
            for granted in [100, 250, 200, 250] as [Int64] {
                try await store.grant([(.number(1), 1, key, granted)])
            }
            #expect(try await store.leaseTotals(worker: .number(1), epoch: 1, key: key) == LeaseTotals(granted: 250))
            #expect(try await store.committed(key) == 250)
            try await store.grant([])
        },

        Clause("leases of other quotas, subjects, periods, workers and epochs are apart") { store in
            let keys = [LeaseKey.quota(1), .quota(2), .quota(1, of: 2), .quota(1, at: 3600)]
            try await store.grant(keys.enumerated().map { (.number(1), 1, $1, Int64(1 << $0)) })
            for (index, key) in keys.enumerated() { #expect(try await store.committed(key) == 1 << index) }
            try await store.grant([(.number(2), 1, keys[0], 100), (.number(1), 2, keys[0], 1000)])
            #expect(try await store.committed(keys[0]) == 1101)
            #expect(try await store.leaseTotals(worker: .number(1), epoch: 2, key: keys[0]).granted == 1000)
            #expect(try await store.leaseTotals(worker: .number(2), epoch: 2, key: keys[0]) == LeaseTotals())
        },

        Clause("what is spent and given back merges by its largest total") { store in
            let key = LeaseKey.quota(1)
            try await store.grant([(.number(1), 1, key, 100)])
            try await store.take(1, .spending(1, 1, key, consumed: 30, released: 5))
            try await store.take(1, .spending(1, 2, key, consumed: 20, released: 15))
            try await store.take(1, .spending(1, 1, key, consumed: 30, released: 5))
            let totals = LeaseTotals(granted: 100, released: 15, consumed: 30)
            #expect(try await store.leaseTotals(worker: .number(1), epoch: 1, key: key) == totals)
            #expect(try await store.committed(key) == 85)
        },

        Clause("an epoch that ends gives free what it did not spend, for good") { store in
            let key = LeaseKey.quota(1)
            try await store.grant([(.number(1), 1, key, 100), (.number(2), 1, key, 50)])
            try await store.take(1, .spending(1, 1, final: true, key, consumed: 30))
            #expect(try await store.committed(key) == 80)
            try await store.take(1, .spending(1, 2, key, consumed: 31))
            #expect(try await store.committed(key) == 81)
        },

        Clause("what is spent without a grant counts") { store in
            let key = LeaseKey.quota(1)
            try await store.take(1, .spending(1, 1, key, consumed: 40))
            #expect(try await store.committed(key) == 40)
            try await store.grant([(.number(1), 1, key, 10)])
            #expect(try await store.committed(key) == 40)
            try await store.grant([(.number(1), 1, key, 100)])
            #expect(try await store.committed(key) == 100)
        },

        Clause("what is committed is the sum of every epoch's commitment") { store in
            for seed in UInt64(1)...10 { try await verifyCommitment(seed: seed, store) }
        },
    ]

    private static func verifyCommitment(seed: UInt64, _ store: any Store) async throws {
        var random = SeededGenerator(seed: seed)
        let key = LeaseKey.quota(100 + Int(seed))
        var expected: Int64 = 0
        for worker in 1...5 {
            for epoch in Epoch(seed * 10)..<Epoch(seed * 10 + 3) {
                let totals = LeaseTotals(
                    granted: Int64.random(in: 0...1000, using: &random),
                    released: Int64.random(in: 0...300, using: &random),
                    consumed: Int64.random(in: 0...1000, using: &random)
                )
                let isClosed = Bool.random(using: &random)
                try await store.grant([(.number(worker), epoch, key, totals.granted)])
                try await store.take(
                    worker,
                    .spending(epoch, 1, final: isClosed, key, consumed: totals.consumed, released: totals.released)
                )
                expected += QuotaAccount.commitment(of: totals, isClosed: isClosed)
            }
        }
        #expect(try await store.committed(key) == expected, "seed \(seed)")
    }
}
