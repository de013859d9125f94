// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeTestSupport

@Suite struct CalendarPeriodPropertyTests {
    private static let zones = [
        "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo",
        "Pacific/Apia", "Africa/Casablanca", "Asia/Kathmandu", "Pacific/Kiritimati",
    ]

    @Test(arguments: zones)
    func `periods hold their instant and follow one another without gap or overlap`(zone: String) throws {
        var random = SeededGenerator(seed: 42)
        for _ in 0..<150 {
            let instant = Timestamp(milliseconds: Int64.random(in: 0...4_000_000_000_000, using: &random))
            for period in Quota.Period.allCases {
                let found = try #require(CalendarPeriod(period, containing: instant, timeZone: zone))
                #expect(found.start <= instant && instant < found.end, "\(zone) \(period) \(instant)")
                let next = try #require(CalendarPeriod(period, containing: found.end, timeZone: zone))
                #expect(next.start == found.end, "\(zone) \(period) \(instant)")
                let last = Timestamp(milliseconds: found.end.milliseconds - 1)
                #expect(
                    CalendarPeriod(period, containing: last, timeZone: zone) == found, "\(zone) \(period) \(instant)")
                #expect(
                    CalendarPeriod(period, containing: found.start, timeZone: zone) == found,
                    "\(zone) \(period) \(instant)")
            }
        }
    }

    /// Step by step through the nights in which clocks change, and through the day that Samoa left out.
    @Test(arguments: [
        (Quota.Period.hour, "Europe/Berlin", "2026-03-29T00:00:00Z", Int64(60)),
        (.hour, "Europe/Berlin", "2026-10-25T00:00:00Z", 60), (.hour, "America/New_York", "2026-03-08T06:00:00Z", 60),
        (.hour, "America/New_York", "2026-11-01T05:00:00Z", 60),
        (.hour, "Australia/Lord_Howe", "2026-04-04T14:00:00Z", 60),
        (.hour, "Australia/Lord_Howe", "2026-10-03T14:00:00Z", 60),
        (.day, "America/Sao_Paulo", "2018-11-01T00:00:00Z", 3600),
        (.day, "Pacific/Apia", "2011-12-28T00:00:00Z", 3600), (.month, "Pacific/Apia", "2011-12-28T00:00:00Z", 3600),
        (.day, "Africa/Casablanca", "2026-02-12T00:00:00Z", 3600),
    ])
    func `periods run on through a change of clocks`(
        period: Quota.Period, zone: String, from: String, step: Int64
    ) throws {
        let start = try #require(Timestamp(from))
        var current = try #require(CalendarPeriod(period, containing: start, timeZone: zone))
        for index in Int64(0)..<240 {
            let instant = start.advanced(by: .seconds(step * index))
            if instant >= current.end {
                let next = try #require(CalendarPeriod(period, containing: instant, timeZone: zone))
                #expect(next.start == current.end, "\(instant)")
                current = next
            }
            #expect(CalendarPeriod(period, containing: instant, timeZone: zone) == current, "\(instant)")
        }
    }

    @Test(arguments: [
        ("2026-03-29T12:00:00Z", Int64(23)), ("2026-10-25T12:00:00Z", 25), ("2026-06-01T12:00:00Z", 24),
    ])
    func `a day in Berlin has 23, 24 or 25 hours`(at: String, hours: Int64) throws {
        let instant = try #require(Timestamp(at))
        let day = try #require(CalendarPeriod(.day, containing: instant, timeZone: "Europe/Berlin"))
        #expect(day.start.duration(to: day.end) == .seconds(hours * 3600))
    }

    @Test(arguments: [("2024-02-10T00:00:00Z", Int64(29)), ("2026-02-10T00:00:00Z", 28), ("2100-02-10T00:00:00Z", 28)])
    func `February has its true length`(at: String, days: Int64) throws {
        let instant = try #require(Timestamp(at))
        let month = try #require(CalendarPeriod(.month, containing: instant, timeZone: "UTC"))
        #expect(month.start.duration(to: month.end) == .seconds(days * 86_400))
    }
}
