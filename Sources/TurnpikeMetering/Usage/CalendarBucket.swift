// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// The spans into which a report divides time, by the calendar of a time zone.
public enum CalendarBucket: String, Sendable, CaseIterable {
    case minute, hour, day, month

    /// The starts of the buckets that cover `minutes`, in minutes since 1970, ascending. The first is the window's own
    /// start, so that no bucket claims time outside of the window.
    ///
    /// - Parameters:
    ///   - minutes: whole minutes since 1970, not empty.
    ///   - name: an IANA time zone.
    ///   - limit: how many starts are acceptable.
    /// - Returns: `nil` where there would be more than `limit`, or this machine knows no such zone.
    public func starts(covering minutes: Range<Int64>, timeZone name: String, limit: Int) -> [Int64]? {
        guard Int64(minutes.count) / longestMinutes <= Int64(limit) else { return nil }
        guard self != .minute else { return Array(minutes) }
        var starts: [Int64] = []
        var next = minutes.lowerBound
        while next < minutes.upperBound {
            guard starts.count < limit, let end = end(ofBucketAt: next, timeZone: name), end > next else { return nil }
            starts.append(next)
            next = end
        }
        return starts
    }

    /// The longest that a bucket can be: a lower bound for how many a window takes, told without a calendar.
    private var longestMinutes: Int64 {
        switch self {
        case .minute: 1
        case .hour: 120
        case .day: 26 * 60
        case .month: 32 * 24 * 60
        }
    }

    private func end(ofBucketAt minute: Int64, timeZone: String) -> Int64? {
        let period: Quota.Period =
            switch self {
            case .minute, .hour: .hour
            case .day: .day
            case .month: .month
            }
        let instant = Timestamp(milliseconds: minute * 60_000)
        guard let end = CalendarPeriod(period, containing: instant, timeZone: timeZone)?.end else { return nil }
        // A zone whose offset is no whole number of minutes (there were such before 1972) ends within a minute.
        return (end.milliseconds + 59_999) / 60_000
    }
}
