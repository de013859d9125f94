// SPDX-License-Identifier: Apache-2.0

public import TurnpikeControl
public import TurnpikeMetering
public import TurnpikeModel
public import TurnpikeSnapshot

extension SQLiteStore {
    public func takeUsage(_ batches: [(worker: ResourceID, batch: UsageBatch)]) async throws -> [TakenUsage] {
        guard !batches.isEmpty else { return [] }
        return try await write { db in
            let writer = UsageWriter(db)
            return try batches.map { try writer.take($0.batch, worker: $0.worker) }
        }
    }

    public func usage(_ query: UsageQuery) async throws -> [UsageRow] {
        try await read { db in try UsageReader(db, query).rows() }
    }

    public func committed(_ key: LeaseKey) async throws -> Int64 {
        try await read { db in try LeaseTable(db: db).committed(key) }
    }

    public func leaseTotals(worker: ResourceID, epoch: Epoch, key: LeaseKey) async throws -> LeaseTotals {
        try await read { db in try LeaseTable(db: db).totals(worker: worker, epoch: epoch, key: key) }
    }

    public func grant(
        _ grants: [(worker: ResourceID, epoch: Epoch, key: LeaseKey, granted: Int64)]
    ) async throws {
        guard !grants.isEmpty else { return }
        try await write { db in
            let (epochs, leases) = (EpochTable(db: db), LeaseTable(db: db))
            for grant in grants {
                let entry = try epochs.entry(worker: grant.worker, epoch: grant.epoch)
                try leases.grant(grant.key, granted: grant.granted, epochRowID: entry.rowID)
            }
        }
    }
}
