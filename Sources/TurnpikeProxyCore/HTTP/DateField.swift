// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// The field `Date` with its line end (RFC 9110 §6.6.1): to the second, and so written anew once a second at most.
struct DateField: Sendable {
    /// Bytes that it has, always.
    static let size = 37

    private static let days: [StaticString] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months: [StaticString] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Since 1970, in the years that the form has room for.
    private var second: Int64
    private var line: [UInt8]

    init(_ time: Timestamp) {
        second = Self.second(of: time)
        line = Self.line(second)
    }

    mutating func advance(to time: Timestamp) {
        let now = Self.second(of: time)
        guard now != second else { return }
        second = now
        line = Self.line(now)
    }

    func write(to writer: inout ByteWriter) { line.withUnsafeBytes { writer.append($0) } }

    private static func second(of time: Timestamp) -> Int64 { min(max(time.milliseconds / 1000, 0), 253_402_300_799) }

    /// `Date: Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
    private static func line(_ second: Int64) -> [UInt8] {
        let time = Timestamp(seconds: second)
        let (year, month, day) = time.civilDate
        let dayNumber = Int(second / 86_400)
        return [UInt8](capacity: size) { writer in
            func append(_ number: Int64, digits: Int) {
                for place in (0..<digits).reversed() {
                    let unit = (0..<place).reduce(into: Int64(1)) { power, _ in power *= 10 }
                    writer.append(ASCII.zero + UInt8(number / unit % 10))
                }
            }
            writer.append("Date: ")
            writer.append(days[dayNumber % 7])
            writer.append(", ")
            append(day, digits: 2)
            writer.append(ASCII.space)
            writer.append(months[Int(month) - 1])
            writer.append(ASCII.space)
            append(year, digits: 4)
            writer.append(ASCII.space)
            append(second / 3600 % 24, digits: 2)
            writer.append(":")
            append(second / 60 % 60, digits: 2)
            writer.append(":")
            append(second % 60, digits: 2)
            writer.append(" GMT\r\n")
        } ?? []
    }
}
