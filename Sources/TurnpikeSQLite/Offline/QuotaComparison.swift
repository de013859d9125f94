// SPDX-License-Identifier: Apache-2.0

import GRDB
import TurnpikeModel

/// What is out of hard quotas, compared with what they ever allowed.
struct QuotaComparison {
    /// Allowances of which more is out than their quota ever allowed, as far as the log tells what it allowed.
    let exceeded: Int

    init(_ db: Database) throws {
        let limits = try Self.limits(db)
        // What a quota allowed before the log begins is not known, so neither are periods that began then.
        let known = try Int64.fetchOne(db, sql: "SELECT min(at) FROM revision WHERE EXISTS (SELECT 1 FROM log_start)")
        let allowances = try Row.fetchCursor(
            db,
            sql: """
                SELECT quota, sum(CASE WHEN is_closed THEN consumed ELSE max(consumed, granted - released) END)
                FROM lease JOIN usage_epoch ON usage_epoch.id = lease.epoch_id
                WHERE period_start >= ? GROUP BY quota, subject, period_start
                """, arguments: [known ?? .min])
        var exceeded = 0
        while let row = try allowances.next() {
            let out: Int64 = try row.decode(atIndex: 1)
            if let limit = limits[try row.id(atIndex: 0)], out > limit { exceeded += 1 }
        }
        self.exceeded = exceeded
    }

    /// The largest limit that a quota ever had. One that was soft at any time may have let through more.
    private static func limits(_ db: Database) throws -> [ResourceID: Int64] {
        let documents = try Row.fetchCursor(
            db,
            sql: """
                SELECT document FROM resource WHERE kind = ?1
                UNION SELECT before FROM change WHERE kind = ?1 AND before IS NOT NULL
                UNION SELECT after FROM change WHERE kind = ?1 AND after IS NOT NULL
                """, arguments: [Kind.quota.rawValue])
        var limits: [ResourceID: Int64] = [:]
        while let row = try documents.next() {
            // One that cannot be read has been told of with the log.
            let document = StoredDocument(kind: Kind.quota.rawValue, text: try row.decode(atIndex: 0))
            guard let resource = try? document.resource(), let quota = resource.spec as? Quota else { continue }
            limits[resource.id] = max(limits[resource.id] ?? 0, quota.enforcement == .hard ? quota.limit : .max)
        }
        return limits
    }
}
