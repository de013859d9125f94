// SPDX-License-Identifier: Apache-2.0

import GRDB
import TurnpikeControl
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot

/// Takes batches within one transaction.
///
/// A batch is merged whatever its sequence: totals only grow, so one that was taken before changes nothing, and one
/// that comes late, after a gap was reported, still brings what would be missing otherwise.
struct UsageWriter {
    private let db: Database
    private let epochs: EpochTable

    init(_ db: Database) {
        self.db = db
        epochs = EpochTable(db: db)
    }

    func take(_ batch: UsageBatch, worker: ResourceID) throws -> TakenUsage {
        let entry = try epochs.entry(worker: worker, epoch: batch.epoch)
        for series in batch.series { try merge(series, epoch: entry.rowID) }
        for consumption in batch.consumption { try merge(consumption, epoch: entry.rowID) }
        try epochs.advance(entry.rowID, to: batch.sequence, isFinal: batch.isFinal)
        return TakenUsage(
            sequence: max(entry.sequence, batch.sequence), hasGap: batch.sequence - 1 > entry.sequence
        )
    }

    private func merge(_ series: UsageSeries, epoch: Int64) throws {
        let (key, counters) = (series.key, series.counters)
        try db.cachedStatement(
            sql: """
                INSERT INTO usage_series
                    (tenant, minute, api_key, route, status_class, epoch_id, requests, bytes_in, bytes_out, units)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET
                    requests = max(requests, excluded.requests), bytes_in = max(bytes_in, excluded.bytes_in),
                    bytes_out = max(bytes_out, excluded.bytes_out), units = max(units, excluded.units)
                """
        ).execute(arguments: [
            key.tenant.blob, key.minute, key.apiKey.blob, key.route.blob, key.statusClass, epoch, counters.requests,
            counters.bytesIn, counters.bytesOut, counters.units,
        ])
    }

    /// A lease may be spent that no grant here knows of: a soft quota is spent before it is granted.
    private func merge(_ consumption: UsageBatch.Consumption, epoch: Int64) throws {
        let key = consumption.key
        try db.cachedStatement(
            sql: """
                INSERT INTO lease (quota, subject, period_start, epoch_id, granted, released, consumed)
                VALUES (?, ?, ?, ?, 0, ?, ?)
                ON CONFLICT DO UPDATE SET
                    released = max(released, excluded.released), consumed = max(consumed, excluded.consumed)
                """
        ).execute(arguments: [
            key.quota.blob, key.subject.blob, key.periodStart.milliseconds, epoch, consumption.released,
            consumption.consumed,
        ])
    }
}
