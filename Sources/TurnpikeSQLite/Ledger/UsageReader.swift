// SPDX-License-Identifier: Apache-2.0

import GRDB
import TurnpikeControl
import TurnpikeMetering
import TurnpikeModel

/// Answers a question to the ledger bucket by bucket, hopping over buckets without usage, until the page is full: the
/// cost follows the page, not the window.
struct UsageReader {
    private let db: Database
    private let query: UsageQuery
    private let columns: [Column]

    /// A column to group by. Declared in the order in which rows are ordered.
    private enum Column: String, CaseIterable {
        case apiKey = "api_key"
        case route
        case statusClass = "status_class"

        var dimension: UsageQuery.Dimension {
            switch self {
            case .apiKey: .key
            case .route: .route
            case .statusClass: .statusClass
            }
        }
    }

    init(_ db: Database, _ query: UsageQuery) {
        self.db = db
        self.query = query
        columns = Column.allCases.filter { query.groupBy.contains($0.dimension) }
    }

    /// - Throws: `invalidCursor` where the query's `after` does not fit its grouping.
    func rows() throws -> [UsageRow] {
        guard query.limit > 0, !query.bucketStarts.isEmpty else { return [] }
        var rows: [UsageRow] = []
        var bucket = 0
        if let after = query.after {
            guard query.bucketStarts.indices.contains(after.bucket) else { throw Self.misfit }
            if !columns.isEmpty { rows = try sums(in: after.bucket, after: after, limit: query.limit) }
            bucket = after.bucket + 1
        }
        while rows.count < query.limit, let next = try firstBucketWithUsage(from: bucket) {
            rows += try sums(in: next, after: nil, limit: query.limit - rows.count)
            bucket = next + 1
        }
        return rows
    }

    /// The minutes of a bucket within the window.
    private func minutes(of bucket: Int) -> Range<Int64> {
        let (starts, window) = (query.bucketStarts, query.minutes)
        let end = bucket + 1 < starts.count ? min(starts[bucket + 1], window.upperBound) : window.upperBound
        return min(max(starts[bucket], window.lowerBound), end)..<end
    }

    private func firstBucketWithUsage(from bucket: Int) throws -> Int? {
        guard bucket < query.bucketStarts.count else { return nil }
        let statement = try db.cachedStatement(
            sql: """
                SELECT minute FROM usage_series WHERE tenant = ? AND minute >= ? AND minute < ? ORDER BY minute LIMIT 1
                """
        )
        let arguments: StatementArguments = [
            query.tenant.blob, minutes(of: bucket).lowerBound, query.minutes.upperBound,
        ]
        guard let minute = try Int64.fetchOne(statement, arguments: arguments) else { return nil }
        return lastBucket(startingBy: minute, from: bucket)
    }

    /// Binary search for the last bucket, from `first` on, that starts at `minute` or earlier.
    private func lastBucket(startingBy minute: Int64, from first: Int) -> Int {
        var (low, high) = (first, query.bucketStarts.count)
        while low + 1 < high {
            let middle = low + (high - low) / 2
            if query.bucketStarts[middle] <= minute { low = middle } else { high = middle }
        }
        return low
    }

    private func sums(in bucket: Int, after: UsageRow.Place?, limit: Int) throws -> [UsageRow] {
        let minutes = minutes(of: bucket)
        var arguments: StatementArguments = [query.tenant.blob, minutes.lowerBound, minutes.upperBound]
        if let after { arguments += try StatementArguments(columns.map { try value(of: $0, in: after) }) }
        arguments += [limit]
        let statement = try db.cachedStatement(sql: sql(isContinued: after != nil))
        return try Array(Row.fetchCursor(statement, arguments: arguments).map { try usageRow($0, bucket: bucket) })
    }

    private func sql(isContinued: Bool) -> String {
        let names = columns.map(\.rawValue).joined(separator: ", ")
        let marks = columns.map { _ in "?" }.joined(separator: ", ")
        return """
            SELECT \(names.isEmpty ? "" : names + ", ")sum(requests), sum(bytes_in), sum(bytes_out), sum(units)
            FROM usage_series WHERE tenant = ? AND minute >= ? AND minute < ?
            \(isContinued ? "AND (\(names)) > (\(marks))" : "")
            \(names.isEmpty ? "" : "GROUP BY \(names) ORDER BY \(names)") LIMIT ?
            """
    }

    private func value(of column: Column, in place: UsageRow.Place) throws -> any DatabaseValueConvertible {
        let value: (any DatabaseValueConvertible)? =
            switch column {
            case .apiKey: place.apiKey?.blob
            case .route: place.route?.blob
            case .statusClass: place.statusClass
            }
        guard let value else { throw Self.misfit }
        return value
    }

    private func usageRow(_ row: Row, bucket: Int) throws -> UsageRow {
        var place = UsageRow.Place(bucket: bucket, apiKey: nil, route: nil, statusClass: nil)
        for (index, column) in columns.enumerated() {
            switch column {
            case .apiKey: place.apiKey = try row.id(atIndex: index)
            case .route: place.route = try row.id(atIndex: index)
            case .statusClass: place.statusClass = try row.decode(UInt8.self, atIndex: index)
            }
        }
        let first = columns.count
        return UsageRow(
            place: place,
            counters: UsageCounters(
                requests: try row.decode(atIndex: first), bytesIn: try row.decode(atIndex: first + 1),
                bytesOut: try row.decode(atIndex: first + 2), units: try row.decode(atIndex: first + 3)
            )
        )
    }

    private static var misfit: TurnpikeError {
        TurnpikeError(.invalidCursor, "The cursor does not belong to this grouping.")
    }
}
