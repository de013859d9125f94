// SPDX-License-Identifier: Apache-2.0

/// An instant in UTC, to the millisecond. Written as RFC 3339 with `Z`. Calendars and time zones are none of its
/// business: those live at the edges (TurnpikeMetering's periods).
public struct Timestamp: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
    public var milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }
    public init(seconds: Int64) { milliseconds = seconds * 1000 }

    /// The last millisecond of the year 9999.
    private static let latest: Int64 = 253_402_300_799_999

    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.milliseconds < b.milliseconds }

    /// Clamped to 64 bits.
    public func advanced(by duration: Duration) -> Timestamp {
        let (sum, overflows) = milliseconds.addingReportingOverflow(duration.inMilliseconds)
        return Timestamp(milliseconds: overflows ? (duration < .zero ? .min : .max) : sum)
    }

    public func duration(to other: Timestamp) -> Duration { .milliseconds(other.milliseconds - milliseconds) }

    /// The start of the minute in which the instant lies.
    public var startOfMinute: Timestamp {
        Timestamp(milliseconds: milliseconds - ((milliseconds % 60_000) + 60_000) % 60_000)
    }

    /// The Gregorian date on which the instant lies; months and days count from 1.
    public var civilDate: (year: Int64, month: Int64, day: Int64) {
        civil(fromDays: milliseconds.flooredQuotient(86_400_000))
    }

    /// `2026-03-01T12:00:00Z`, with `.123` where milliseconds are not zero.
    public var description: String {
        let days = milliseconds.flooredQuotient(86_400_000)
        let inDay = milliseconds - days * 86_400_000
        let (year, month, day) = civil(fromDays: days)
        // Years before 0 and after 9999 have more digits than four, and no more than nine and a sign.
        return String(unsafeUninitializedCapacity: 32) { bytes in
            var end = 0
            func put(_ character: Unicode.Scalar) {
                bytes[end] = UInt8(ascii: character)
                end += 1
            }
            func put(_ number: Int64, width: Int) {
                if number < 0 { put("-") }
                var unit: UInt64 = 1
                for _ in 1..<width { unit *= 10 }
                while number.magnitude / unit >= 10 { unit *= 10 }
                while unit > 0 {
                    bytes[end] = UInt8(ascii: "0") + UInt8(number.magnitude / unit % 10)
                    end += 1
                    unit /= 10
                }
            }
            put(year, width: 4)
            put("-")
            put(month, width: 2)
            put("-")
            put(day, width: 2)
            put("T")
            put(inDay / 3_600_000, width: 2)
            put(":")
            put(inDay / 60_000 % 60, width: 2)
            put(":")
            put(inDay / 1000 % 60, width: 2)
            if inDay % 1000 != 0 {
                put(".")
                put(inDay % 1000, width: 3)
            }
            put("Z")
            return end
        }
    }

    /// Reads RFC 3339 with `Z` or an offset, `T` between date and time, and up to nine decimals (of which three are
    /// kept). Years 1970 to 9999, in UTC.
    public init?(_ text: String) {
        var text = text
        guard let milliseconds = text.withUTF8(Timestamp.milliseconds) else { return nil }
        self.milliseconds = milliseconds
    }

    /// No byte is read but at a place that was compared with their count.
    private static func milliseconds(_ bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
        func number(_ range: Range<Int>) -> Int64? {
            guard range.upperBound <= bytes.count else { return nil }
            var value: Int64 = 0
            for byte in bytes[range] {
                guard byte >= 0x30, byte <= 0x39 else { return nil }
                value = value * 10 + Int64(byte - 0x30)
            }
            return value
        }
        func has(_ character: Unicode.Scalar, at index: Int) -> Bool {
            index < bytes.count && bytes[index] == UInt8(ascii: character)
        }
        guard let year = number(0..<4), has("-", at: 4), let month = number(5..<7), has("-", at: 7),
            let day = number(8..<10), has("T", at: 10), let hour = number(11..<13), has(":", at: 13),
            let minute = number(14..<16), has(":", at: 16), let second = number(17..<19),
            year >= 1970, (1...12).contains(month), day >= 1, day <= daysInMonth(year, month), hour < 24, minute < 60,
            second < 60
        else { return nil }
        var index = 19
        var fraction: Int64 = 0
        if has(".", at: index) {
            let start = index + 1
            index = start
            while index < bytes.count, bytes[index] >= 0x30, bytes[index] <= 0x39 { index += 1 }
            guard index > start, index - start <= 9 else { return nil }
            for place in 0..<3 {
                fraction = fraction * 10 + (start + place < index ? Int64(bytes[start + place] - 0x30) : 0)
            }
        }
        var offset: Int64 = 0
        if has("Z", at: index) {
            index += 1
        } else {
            guard has("+", at: index) || has("-", at: index), let hours = number(index + 1..<index + 3), hours < 24,
                has(":", at: index + 3), let minutes = number(index + 4..<index + 6), minutes < 60
            else { return nil }
            offset = (hours * 60 + minutes) * 60 * (has("-", at: index) ? -1 : 1)
            index += 6
        }
        guard index == bytes.count else { return nil }
        let days = daysSinceEpoch(year, month, day)
        let milliseconds = (days * 86_400 + hour * 3600 + minute * 60 + second - offset) * 1000 + fraction
        // An offset may lead out of the years that can be written, and what was read must be readable again.
        return (0...Timestamp.latest).contains(milliseconds) ? milliseconds : nil
    }
}

extension Int64 {
    fileprivate func flooredQuotient(_ divisor: Int64) -> Int64 {
        self >= 0 ? self / divisor : -((-self + divisor - 1) / divisor)
    }
}

private func daysInMonth(_ year: Int64, _ month: Int64) -> Int64 {
    switch month {
    case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
}

// Days and civil dates by eras of 400 years, counted from 1 March so that the leap day ends the year
// (Howard Hinnant, "chrono-compatible low-level date algorithms").
private func daysSinceEpoch(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let y = month <= 2 ? year - 1 : year
    let era = y.flooredQuotient(400)
    let yearOfEra = y - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
}

private func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let z = days + 719_468
    let era = z.flooredQuotient(146_097)
    let dayOfEra = z - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
}
