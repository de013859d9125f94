// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeTestSupport

@Suite struct TimestampTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", Int64(0)), ("2000-02-29T23:59:59Z", 951_868_799_000),
        ("2026-11-23T03:35:51.250Z", 1_795_404_951_250), ("2038-01-19T03:14:08Z", 2_147_483_648_000),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
    ])
    func `instants are written and read as RFC 3339`(text: String, milliseconds: Int64) {
        #expect(Timestamp(milliseconds: milliseconds).description == text)
        #expect(Timestamp(text)?.milliseconds == milliseconds)
    }

    @Test func `offsets and finer fractions are read`() {
        #expect(Timestamp("2026-03-01T13:00:00.123456789+01:00") == Timestamp("2026-03-01T12:00:00.123Z"))
        #expect(Timestamp("2026-03-01T12:00:00.5-05:30") == Timestamp("2026-03-01T17:30:00.500Z"))
    }

    @Test(arguments: [
        "", "2026-03-01", "2026-03-01 12:00:00Z", "2026-03-01T12:00:00", "2026-3-01T12:00:00Z", "2026-02-29T12:00:00Z",
        "2026-13-01T12:00:00Z", "2026-00-01T12:00:00Z", "2026-03-00T12:00:00Z", "2026-03-01T24:00:00Z",
        "2026-03-01T12:60:00Z", "2026-03-01T12:00:00.Z", "2026-03-01T12:00:00.1234567890Z", "2026-03-01T12:00:00Zx",
        "2026-03-01T12:00:00+1:00", "1969-12-31T23:59:59Z", "２026-03-01T12:00:00Z",
    ])
    func `what is no RFC 3339 time is refused`(text: String) { #expect(Timestamp(text) == nil) }

    @Test(arguments: 0..<200)
    func `every instant survives being written and read`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let instant = Timestamp(milliseconds: Int64.random(in: 0...253_402_300_799_999, using: &random))
        #expect(Timestamp(instant.description) == instant, "seed \(seed)")
    }

    @Test func `the minute begins at its first millisecond`() {
        #expect(Timestamp(milliseconds: 119_999).startOfMinute.milliseconds == 60_000)
        #expect(Timestamp(milliseconds: 120_000).startOfMinute.milliseconds == 120_000)
    }
}

@Suite struct DurationTextTests {
    @Test(arguments: [
        ("250ms", Duration.milliseconds(250)), ("0s", .zero), ("30s", .seconds(30)), ("5m", .seconds(300)),
        ("1h", .seconds(3600)), ("7d", .seconds(604_800)),
    ])
    func `durations are written and read in one unit`(text: String, duration: Duration) {
        #expect(Duration(text: text) == duration)
        #expect(duration.text == text)
    }

    @Test(arguments: ["", "s", "1", "-1s", "1.5s", "1 s", "1S", "1us", "1s1s", "9999999999999s", "١s"])
    func `what is no duration is refused`(text: String) { #expect(Duration(text: text) == nil) }
}

@Suite struct ResourceIDTests {
    @Test(arguments: 0..<100)
    func `an id survives being written and read, and sorts by time`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let time = Timestamp(milliseconds: Int64.random(in: 1...(1 << 47), using: &random))
        let id = ResourceID.generate(at: time, using: &random)
        let later = ResourceID.generate(at: time.advanced(by: .milliseconds(1)), using: &random)
        let text = id.text(prefix: "key")
        #expect(ResourceID(text: text, prefix: "key") == id, "seed \(seed)")
        #expect(id < later && text < later.text(prefix: "key"), "seed \(seed)")
    }

    @Test(arguments: [
        "", "key_", "key_0000000000000000000000000", "key_000000000000000000000000000",
        "rte_00000000000000000000000000",
        "key-00000000000000000000000000", "key_0000000000000000000000000I", "key_0000000000000000000000000a",
        "key_80000000000000000000000000",
    ])
    func `what is no id of the kind is refused`(text: String) { #expect(ResourceID(text: text, prefix: "key") == nil) }
}

@Suite struct HexDigestTests {
    @Test(arguments: [0, 15, 16, 47, 63])
    func `its digits are sixteen, in lower case, wherever they stand`(place: Int) {
        for byte in 0x01...0x7F as ClosedRange<UInt8> {
            var text = Array(String(repeating: "0", count: 64).utf8)
            text[place] = byte
            let digest = HexDigest(String(decoding: text, as: UTF8.self))
            if "0123456789abcdef".utf8.contains(byte) {
                #expect(digest?.text == String(decoding: text, as: UTF8.self))
            } else {
                #expect(digest == nil, "\(byte) at \(place)")
            }
        }
    }
}

@Suite struct NameTests {
    @Test(arguments: ["a", "A9", "orders", "a.b-c_d", "CreateThing", String(repeating: "x", count: 63)])
    func `plain names are valid`(name: String) { #expect(Name.isValid(name)) }

    @Test(arguments: [
        "", ".", "-a", "a-", "_a", "a b", "a/b", "ü", "a\n", String(repeating: "x", count: 64),
        "key_01ARZ3NDEKTSV4RRFFQ69G5FAV",
    ])
    func `names that would confuse a path or an id are not`(name: String) { #expect(!Name.isValid(name)) }
}

@Suite struct JSONPointerTests {
    @Test func `slashes and tildes are escaped`() {
        #expect(JSONPointer().appending("a/b").appending(3).appending("~c").description == "/a~1b/3/~0c")
    }
}
