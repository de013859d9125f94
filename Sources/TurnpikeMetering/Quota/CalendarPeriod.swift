// SPDX-License-Identifier: Apache-2.0

import Foundation
public import TurnpikeModel

/// A calendar hour, day or month in a time zone, as two UTC instants. The only place that knows calendars: months have
/// their true lengths, and days of 23 and 25 hours theirs.
public struct CalendarPeriod: Sendable, Hashable {
    public var start: Timestamp
    /// The first instant of the next period.
    public var end: Timestamp

    /// The period in which `instant` lies.
    ///
    /// - Parameter timeZone: an IANA name; `nil` comes back where this machine knows no such zone.
    public init?(_ period: Quota.Period, containing instant: Timestamp, timeZone name: String) {
        guard let interval = CalendarPeriod.interval(of: period, at: instant, in: name) else { return nil }
        start = Timestamp(milliseconds: Int64((interval.start.timeIntervalSince1970 * 1000).rounded()))
        end = Timestamp(milliseconds: Int64((interval.end.timeIntervalSince1970 * 1000).rounded()))
    }

    public static func isKnown(timeZone name: String) -> Bool { zone(name) != nil }

    private static func interval(of period: Quota.Period, at instant: Timestamp, in name: String) -> DateInterval? {
        guard let zone = zone(name) else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let date = Date(timeIntervalSince1970: Double(instant.milliseconds) / 1000)
        let component: Calendar.Component =
            switch period {
            case .hour: .hour
            case .day: .day
            case .month: .month
            }
        return calendar.dateInterval(of: component, for: date)
    }

    /// Only IANA names, since abbreviations such as `EST` and offsets mean other things in other places.
    private static func zone(_ name: String) -> TimeZone? {
        guard name == "UTC" || name.contains("/") else { return nil }
        return TimeZone(identifier: name)
    }
}
