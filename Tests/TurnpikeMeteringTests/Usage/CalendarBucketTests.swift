// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel

@Suite struct CalendarBucketTests {
    private func starts(
        _ bucket: CalendarBucket, _ from: String, _ to: String, _ zone: String, limit: Int = 100
    ) throws -> [String]? {
        let from = try #require(Timestamp(from)).milliseconds / 60_000
        let to = try #require(Timestamp(to)).milliseconds / 60_000
        return bucket.starts(covering: from..<to, timeZone: zone, limit: limit)?.map {
            Timestamp(milliseconds: $0 * 60_000).description
        }
    }

    @Test func `a day that skips an hour is one bucket`() throws {
        #expect(
            try starts(.day, "2026-03-28T00:00:00Z", "2026-03-30T12:00:00Z", "Europe/Berlin") == [
                "2026-03-28T00:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z",
            ])
    }

    @Test func `months have their true lengths`() throws {
        #expect(
            try starts(.month, "2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z", "UTC") == [
                "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z",
            ])
    }

    @Test func `hours start where the zone's hours do`() throws {
        #expect(
            try starts(.hour, "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", "Asia/Kolkata") == [
                "2026-01-01T00:00:00Z", "2026-01-01T00:30:00Z",
            ])
    }

    @Test func `minutes are minutes anywhere`() throws {
        #expect(
            try starts(.minute, "2026-01-01T00:00:00Z", "2026-01-01T00:03:00Z", "Nowhere") == [
                "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z",
            ])
    }

    @Test func `too many buckets and unknown zones have none`() throws {
        #expect(try starts(.hour, "2026-01-01T00:00:00Z", "2026-01-01T05:00:00Z", "UTC", limit: 5)?.count == 5)
        #expect(try starts(.hour, "2026-01-01T00:00:00Z", "2026-01-01T05:01:00Z", "UTC", limit: 5) == nil)
        #expect(try starts(.minute, "2026-01-01T00:00:00Z", "2026-01-01T00:06:00Z", "UTC", limit: 5) == nil)
        #expect(try starts(.minute, "2026-01-01T00:00:00Z", "2026-01-01T00:05:00Z", "UTC", limit: 5)?.count == 5)
        #expect(try starts(.day, "1970-01-01T00:00:00Z", "9999-01-01T00:00:00Z", "UTC", limit: 10_000) == nil)
        #expect(try starts(.day, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "Mars/Olympus") == nil)
    }
}
