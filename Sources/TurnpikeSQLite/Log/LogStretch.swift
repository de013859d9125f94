// SPDX-License-Identifier: Apache-2.0

import GRDB
import TurnpikeControl
import TurnpikeModel

/// How much of the log one page looks at, where not all entries are asked for: what it costs follows that, and not the log's length.
struct LogStretch {
    /// The query, narrowed to the stretch.
    let query: LogQuery
    /// What a query for the rest goes on from; `nil`: there is no rest.
    let next: Revision?

    init(_ db: Database, _ query: LogQuery) throws {
        guard query.tenant != nil || query.isSelective, let first = try Self.firstBeyond(db, query) else {
            // The page's own limits are enough, or there is no more than it may look at.
            (self.query, next) = (query, nil)
            return
        }
        var stretch = query
        if query.isDescending {
            stretch.above = first
            next = first + 1
        } else {
            stretch.below = first
            next = first - 1
        }
        self.query = stretch
    }

    /// The first entry that is not looked at any more.
    private static func firstBeyond(_ db: Database, _ query: LogQuery) throws -> Revision? {
        let order = query.isDescending ? "DESC" : "ASC"
        // One more than the page holds, so that it tells whether more follow.
        let most = query.isSelective ? max(query.examineLimit, 1) : query.limit + 1
        if let tenant = query.tenant {
            return try Revision.fetchOne(
                db.cachedStatement(
                    sql: """
                        SELECT DISTINCT revision FROM change WHERE tenant = ? AND revision > ? AND revision < ?
                        ORDER BY revision \(order) LIMIT 1 OFFSET ?
                        """), arguments: [tenant, query.above, query.below, most])
        }
        return try Revision.fetchOne(
            db.cachedStatement(
                sql:
                    "SELECT number FROM revision WHERE number > ? AND number < ? ORDER BY number \(order) LIMIT 1 OFFSET ?"
            ), arguments: [query.above, query.below, most])
    }
}
