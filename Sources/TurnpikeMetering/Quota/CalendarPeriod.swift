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
        switch period {
        case .hour: return hour(at: date, in: zone)
        case .day: return calendar.dateInterval(of: .day, for: date)
        case .month: return calendar.dateInterval(of: .month, for: date)
        }
    }

    /// An hour of the zone's clocks. Where they change by half an hour (Lord Howe Island), calendar hours overlap; so
    /// that no instant lies in two periods, the change ends one and begins the next.
    private static func hour(at date: Date, in zone: TimeZone) -> DateInterval {
        let offset = Double(zone.secondsFromGMT(for: date))
        let local = ((date.timeIntervalSince1970 + offset) / 3600).rounded(.down) * 3600
        let start = Date(timeIntervalSince1970: local - offset)
        let end = start.addingTimeInterval(3600)
        guard let change = zone.nextDaylightSavingTimeTransition(after: start), change < end else {
            return DateInterval(start: start, end: end)
        }
        return change <= date ? DateInterval(start: change, end: end) : DateInterval(start: start, end: change)
    }

    /// Only IANA names, since abbreviations such as `EST` and offsets mean other things in other places.
    private static func zone(_ name: String) -> TimeZone? {
        guard name == "UTC" || name.contains("/") else { return nil }
        return TimeZone(identifier: name)
    }
}
