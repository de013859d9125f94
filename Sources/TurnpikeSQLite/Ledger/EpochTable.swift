// SPDX-License-Identifier: Apache-2.0

import GRDB
import TurnpikeMetering
import TurnpikeModel

/// The boots of workers, found or made within one transaction. Series and leases hold a boot's short row id.
struct EpochTable {
    struct Entry {
        let rowID: Int64
        /// Of the newest batch taken; 0 where none was.
        var sequence: Int64
    }

    let db: Database

    func entry(worker: ResourceID, epoch: Epoch) throws -> Entry {
        let find = try db.cachedStatement(sql: "SELECT id, sequence FROM usage_epoch WHERE worker = ? AND epoch = ?")
        if let row = try Row.fetchOne(find, arguments: [worker.blob, epoch]) {
            return Entry(rowID: try row.decode(atIndex: 0), sequence: try row.decode(atIndex: 1))
        }
        try db.cachedStatement(sql: "INSERT INTO usage_epoch (worker, epoch, sequence, is_closed) VALUES (?, ?, 0, 0)")
            .execute(arguments: [worker.blob, epoch])
        return Entry(rowID: db.lastInsertedRowID, sequence: 0)
    }

    /// Raises the sequence, and closes the epoch where it ends. Neither is ever taken back.
    func advance(_ rowID: Int64, to sequence: Int64, isFinal: Bool) throws {
        try db.cachedStatement(
            sql: "UPDATE usage_epoch SET sequence = max(sequence, ?), is_closed = max(is_closed, ?) WHERE id = ?"
        ).execute(arguments: [sequence, isFinal, rowID])
    }
}
