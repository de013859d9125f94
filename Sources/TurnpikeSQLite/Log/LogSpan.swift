// SPDX-License-Identifier: Apache-2.0

import GRDB
import TurnpikeControl
import TurnpikeModel

/// Where in the log the entries of a span of time lie, found by halving, however long the log is.
///
/// Times grow with revisions but where the clock jumped back. So the log is a row of stretches within which they only grow; of
/// each, the entries of the span are neighbours.
struct LogSpan {
    /// Far more than a clock that is looked after jumps back within what a log keeps. Beyond, the span is not narrowed.
    private static let mostStretches = 256

    private let db: Database
    private let from: Int64
    private let to: Int64

    /// The query with bounds by revision within which all lies that its bounds by time allow; `nil` where nothing does.
    static func narrowing(_ query: LogQuery, _ db: Database) throws -> LogQuery? {
        guard query.from != nil || query.to != nil else { return query }
        let span = LogSpan(db: db, from: query.from?.milliseconds ?? .min, to: query.to?.milliseconds ?? .max)
        guard let stretches = try span.stretches(of: query) else { return query }
        let found = try stretches.compactMap { try span.entries(in: $0) }
        guard let first = found.first, let last = found.last else { return nil }
        var narrowed = query
        (narrowed.above, narrowed.below) = (first.lowerBound - 1, last.upperBound + 1)
        return narrowed
    }

    /// The stretches that a query reaches into, as revisions; `nil` where they are too many.
    private func stretches(of query: LogQuery) throws -> [ClosedRange<Revision>]? {
        guard let first = try edge("min", of: query), let last = try edge("max", of: query) else { return [] }
        let jumps = try Revision.fetchAll(
            db.cachedStatement(
                sql: "SELECT revision FROM clock_jump WHERE revision > ? AND revision <= ? ORDER BY revision LIMIT ?"),
            arguments: [first, last, Self.mostStretches])
        guard jumps.count < Self.mostStretches else { return nil }
        return zip([first] + jumps, jumps.map { $0 - 1 } + [last]).map { $0...$1 }
    }

    private func edge(_ function: String, of query: LogQuery) throws -> Revision? {
        try Revision.fetchOne(
            db.cachedStatement(sql: "SELECT \(function)(number) FROM revision WHERE number > ? AND number < ?"),
            arguments: [query.above, query.below])
    }

    /// From the first to the last entry of the span in one stretch; `nil` where there are none.
    private func entries(in stretch: ClosedRange<Revision>) throws -> ClosedRange<Revision>? {
        let start = try firstEntry(in: stretch, from: from)
        let end = try firstEntry(in: stretch, from: to)
        guard let start, start < end ?? stretch.upperBound + 1 else { return nil }
        return start...(end.map { $0 - 1 } ?? stretch.upperBound)
    }

    /// The first entry of a stretch that is not before a time.
    private func firstEntry(in stretch: ClosedRange<Revision>, from time: Int64) throws -> Revision? {
        // Revisions need not follow each other closely: between two places there may be no entry.
        var (low, high) = (stretch.lowerBound, stretch.upperBound)
        var found: Revision?
        while low <= high {
            let middle = low + (high - low) / 2
            guard let entry = try entry(atOrAbove: middle), entry.number <= stretch.upperBound else {
                high = middle - 1
                continue
            }
            if entry.at >= time {
                found = entry.number
                high = middle - 1
            } else {
                low = entry.number + 1
            }
        }
        return found
    }

    private func entry(atOrAbove revision: Revision) throws -> (number: Revision, at: Int64)? {
        let statement = try db.cachedStatement(
            sql: "SELECT number, at FROM revision WHERE number >= ? ORDER BY number LIMIT 1")
        return try Row.fetchOne(statement, arguments: [revision]).map {
            (try $0.decode(atIndex: 0), try $0.decode(atIndex: 1))
        }
    }
}
