// SPDX-License-Identifier: Apache-2.0

/// A moment as a log line shows it: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
public struct LogTime: Sendable, Hashable {
    public let milliseconds: Int64

    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// What the system clock says.
    public static var now: LogTime { LogTime(milliseconds: SystemTime.milliseconds) }

    /// RFC 3339 in UTC with milliseconds: `2026-03-29T01:00:00.000Z`.
    public var text: String {
        let (days, millisecondOfDay) = Self.floorDivide(milliseconds, by: 86_400_000)
        let (year, month, day) = Self.date(daysSince1970: days)
        let (secondOfDay, millisecond) = Self.floorDivide(millisecondOfDay, by: 1000)
        let date = "\(Self.digits(year, 4))-\(Self.digits(month, 2))-\(Self.digits(day, 2))"
        let hour = Self.digits(secondOfDay / 3600, 2)
        let minute = Self.digits(secondOfDay / 60 % 60, 2)
        let second = Self.digits(secondOfDay % 60, 2)
        return "\(date)T\(hour):\(minute):\(second).\(Self.digits(millisecond, 3))Z"
    }

    /// The Gregorian date of a day. Counts years from March, which puts the leap day last, in eras of 400 years
    /// (146,097 days), which repeat.
    private static func date(daysSince1970: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = floorDivide(daysSince1970 + 719_468, by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
    }

    private static func floorDivide(_ value: Int64, by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    private static func digits(_ value: Int64, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
