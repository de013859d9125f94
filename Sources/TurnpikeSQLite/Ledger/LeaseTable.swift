// SPDX-License-Identifier: Apache-2.0

import GRDB
import TurnpikeMetering
import TurnpikeModel

/// What workers hold of allowances, one row for each allowance and boot.
struct LeaseTable {
    let db: Database

    /// Σ `QuotaAccount.commitment`, in SQL.
    func committed(_ key: LeaseKey) throws -> Int64 {
        let statement = try db.cachedStatement(
            sql: """
                SELECT sum(CASE WHEN is_closed THEN consumed ELSE max(consumed, granted - released) END)
                FROM lease JOIN usage_epoch ON usage_epoch.id = lease.epoch_id
                WHERE quota = ? AND subject = ? AND period_start = ?
                """
        )
        return try Int64.fetchOne(statement, arguments: key.arguments) ?? 0
    }

    func totals(worker: ResourceID, epoch: Epoch, key: LeaseKey) throws -> LeaseTotals {
        let statement = try db.cachedStatement(
            sql: """
                SELECT granted, released, consumed FROM lease
                WHERE quota = ? AND subject = ? AND period_start = ?
                    AND epoch_id = (SELECT id FROM usage_epoch WHERE worker = ? AND epoch = ?)
                """
        )
        guard let row = try Row.fetchOne(statement, arguments: key.arguments + [worker.blob, epoch]) else {
            return LeaseTotals()
        }
        return LeaseTotals(
            granted: try row.decode(atIndex: 0), released: try row.decode(atIndex: 1),
            consumed: try row.decode(atIndex: 2)
        )
    }

    /// Sets what was granted, unless more was granted before.
    func grant(_ key: LeaseKey, granted: Int64, epochRowID: Int64) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO lease (quota, subject, period_start, epoch_id, granted, released, consumed)
                VALUES (?, ?, ?, ?, ?, 0, 0)
                ON CONFLICT DO UPDATE SET granted = max(granted, excluded.granted)
                """
        ).execute(arguments: key.arguments + [epochRowID, granted])
    }
}

extension LeaseKey {
    fileprivate var arguments: StatementArguments { [quota.blob, subject.blob, periodStart.milliseconds] }
}
