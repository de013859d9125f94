// SPDX-License-Identifier: Apache-2.0

package import TurnpikeControl
package import TurnpikeMetering
package import TurnpikeModel
package import TurnpikeSnapshot

extension ResourceID {
    /// A small id for tables.
    package static func number(_ number: Int) -> ResourceID {
        ResourceID(high: UInt64(number) << 40, low: UInt64(number))
    }
}

extension LeaseKey {
    package static func quota(_ number: Int, of subject: Int = 1, at start: Int64 = 0) -> LeaseKey {
        LeaseKey(quota: .number(number), subject: .number(subject), periodStart: Timestamp(seconds: start))
    }
}

extension UsageBatch {
    package static func usage(_ epoch: Epoch, _ sequence: Int64, _ series: [UsageSeries]) -> UsageBatch {
        UsageBatch(epoch: epoch, sequence: sequence, isFinal: false, series: series, consumption: [])
    }

    package static func spending(
        _ epoch: Epoch, _ sequence: Int64, final: Bool = false, _ key: LeaseKey, consumed: Int64, released: Int64 = 0
    ) -> UsageBatch {
        UsageBatch(
            epoch: epoch, sequence: sequence, isFinal: final, series: [],
            consumption: [Consumption(key: key, consumed: consumed, released: released)]
        )
    }
}

extension UsageSeries {
    /// A series with that many requests, and other counts that follow from it.
    package static func count(
        _ requests: Int64, tenant: Int = 1, key: Int = 1, route: Int = 1, statusClass: UInt8 = 2, minute: Int64 = 0
    ) -> UsageSeries {
        UsageSeries(
            key: SeriesKey(
                tenant: .number(tenant), apiKey: key == 0 ? .zero : .number(key), route: .number(route),
                statusClass: statusClass, minute: minute
            ),
            counters: .following(requests)
        )
    }
}

extension UsageCounters {
    static func following(_ requests: Int64) -> UsageCounters {
        UsageCounters(requests: requests, bytesIn: requests * 100, bytesOut: requests * 1_000, units: requests / 2 * 2)
    }
}

extension Store {
    @discardableResult
    package func take(_ worker: Int, _ batches: UsageBatch...) async throws -> [TakenUsage] {
        try await takeUsage(batches.map { (.number(worker), $0) })
    }

    /// A tenant's sums over all time.
    package func totals(tenant: Int = 1, by dimensions: UsageQuery.Dimension...) async throws -> [UsageRow] {
        try await usage(
            UsageQuery(
                tenant: .number(tenant), minutes: 0..<1_000_000, groupBy: dimensions, bucketStarts: [0], limit: 10_000
            )
        )
    }
}

/// A ledger in memory, as plain as can be, against which stores are compared.
struct LedgerModel {
    struct Row: Hashable {
        var worker: Int
        var epoch: Epoch
        var key: SeriesKey
    }

    var series: [Row: UsageCounters] = [:]

    mutating func take(_ batch: UsageBatch, worker: Int) {
        for one in batch.series {
            series[Row(worker: worker, epoch: batch.epoch, key: one.key), default: UsageCounters()] =
                (series[Row(worker: worker, epoch: batch.epoch, key: one.key)] ?? UsageCounters())
                .merged(with: one.counters)
        }
    }

    func rows(_ query: UsageQuery) -> [UsageRow] {
        var sums: [UsageRow.Place: UsageCounters] = [:]
        for (row, counters) in series where row.key.tenant == query.tenant && query.minutes.contains(row.key.minute) {
            guard let bucket = query.bucketStarts.lastIndex(where: { $0 <= row.key.minute }) else { continue }
            let place = UsageRow.Place(
                bucket: bucket, apiKey: query.groupBy.contains(.key) ? row.key.apiKey : nil,
                route: query.groupBy.contains(.route) ? row.key.route : nil,
                statusClass: query.groupBy.contains(.statusClass) ? row.key.statusClass : nil
            )
            sums[place, default: UsageCounters()] += counters
        }
        func order(_ place: UsageRow.Place) -> (Int, ResourceID, ResourceID, UInt8) {
            (place.bucket, place.apiKey ?? .zero, place.route ?? .zero, place.statusClass ?? 0)
        }
        return sums.map { UsageRow(place: $0, counters: $1) }.sorted { order($0.place) < order($1.place) }
    }
}
