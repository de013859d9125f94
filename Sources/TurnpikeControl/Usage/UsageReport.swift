// SPDX-License-Identifier: Apache-2.0

public import TurnpikeMetering
public import TurnpikeModel

/// A question about one tenant's usage.
public struct UsageReportRequest: Sendable {
    /// Name or id.
    public var tenant: String
    /// Rounded down to the minute. Default: 24 h before `to`.
    public var from: Timestamp?
    /// Rounded up to the minute, not included. Default: now.
    public var to: Timestamp?
    public var groupBy: [UsageQuery.Dimension]
    /// `nil`: one sum over the whole window.
    public var bucket: CalendarBucket?
    /// Rows up to and including this place are left out; `nil` for the first page. To go on from it, `from` and `to`
    /// must be those of the report's own window.
    public var after: UsageRow.Place?
    /// At least 1.
    public var limit: Int

    public init(
        tenant: String, from: Timestamp? = nil, to: Timestamp? = nil, groupBy: [UsageQuery.Dimension] = [],
        bucket: CalendarBucket? = nil, after: UsageRow.Place? = nil, limit: Int = 100
    ) {
        self.tenant = tenant
        self.from = from
        self.to = to
        self.groupBy = groupBy
        self.bucket = bucket
        self.after = after
        self.limit = limit
    }
}

/// A page of sums, ordered by bucket and group.
public struct UsageReport: Sendable {
    public struct Row: Sendable {
        /// The bucket's start, or the window's where that is later; `nil` without buckets.
        public var bucketStart: Timestamp?
        /// The key's id as text; `nil` where not grouped by key and for requests without a valid key.
        public var key: String?
        /// The key's name, while it is there.
        public var keyName: String?
        /// The route's name; its id where it is gone. `nil` where not grouped by route.
        public var route: String?
        /// `2xx`; `nil` where not grouped by it.
        public var statusClass: String?
        public var counters: UsageCounters
        /// The dimensions that the row has, so that a key that is `nil` can be told from one not asked for.
        public var dimensions: [UsageQuery.Dimension]

        public var json: JSON {
            func value(_ dimension: UsageQuery.Dimension, _ text: String?) -> JSON? {
                dimensions.contains(dimension) ? text.map { .string($0) } ?? .null : nil
            }
            return .object(
                JSONObject([
                    "bucketStart": bucketStart.map { .string($0.description) }, "key": value(.key, key),
                    "keyName": keyName.map { .string($0) }, "route": value(.route, route),
                    "statusClass": value(.statusClass, statusClass), "requests": .integer(counters.requests),
                    "bytesIn": .integer(counters.bytesIn), "bytesOut": .integer(counters.bytesOut),
                    "units": .integer(counters.units),
                ]))
        }
    }

    /// The window that was summed, in whole minutes.
    public var from: Timestamp
    public var to: Timestamp
    public var rows: [Row]
    /// The place to go on after; `nil` on the last page.
    public var next: UsageRow.Place?
}

/// Where a quota stands in the period that runs now.
public struct QuotaState: Sendable, Hashable {
    public var limit: Int64
    /// Units spent, and units that workers hold leases of.
    public var committed: Int64
    /// Units not yet granted; never below zero.
    public var remaining: Int64
    public var periodStart: Timestamp
    public var periodEnd: Timestamp

    public var json: JSON {
        [
            "limit": .integer(limit), "committed": .integer(committed), "remaining": .integer(remaining),
            "periodStart": .string(periodStart.description), "periodEnd": .string(periodEnd.description),
        ]
    }
}
