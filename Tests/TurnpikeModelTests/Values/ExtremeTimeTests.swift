// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeTestSupport

@Suite struct ExtremeTimeTests {
    @Test(arguments: ["9999-12-31T23:59:59-00:01", "9999-12-31T23:00:00-23:59", "1970-01-01T00:00:00+00:01"])
    func `an offset cannot lead out of the years that can be written`(text: String) { #expect(Timestamp(text) == nil) }

    @Test(arguments: 0..<300)
    func `whatever is read can be read again once written`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        func two(_ range: ClosedRange<Int>) -> String {
            let number = Int.random(in: range, using: &random)
            return number < 10 ? "0\(number)" : "\(number)"
        }
        let year = [1970, 1999, 2000, 2100, 9999].randomElement(using: &random) ?? 1970
        let sign = Bool.random(using: &random) ? "+" : "-"
        let text =
            "\(year)-\(two(1...13))-\(two(1...32))T\(two(0...24)):\(two(0...60)):\(two(0...60))"
            + "\(sign)\(two(0...24)):\(two(0...60))"
        if let instant = Timestamp(text) { #expect(Timestamp(instant.description) == instant, "\(text), seed \(seed)") }
    }

    @Test func `times far away are clamped, not trapped`() {
        #expect(Timestamp(milliseconds: .max - 1).advanced(by: .seconds(1)).milliseconds == .max)
        #expect(Timestamp(milliseconds: .min + 1).advanced(by: .seconds(-1)).milliseconds == .min)
        #expect(Timestamp(seconds: 1).advanced(by: .seconds(-2)).milliseconds == -1000)
        #expect(Timestamp(milliseconds: -1).description == "1969-12-31T23:59:59.999Z")
        #expect(Timestamp(milliseconds: -1).startOfMinute.milliseconds == -60_000)
    }

    @Test(arguments: ["ms", "s", "m", "h", "d"])
    func `the longest duration that can be written can be measured`(unit: String) throws {
        let longest = try #require(Duration(text: "999999999999\(unit)"))
        #expect(longest.inMilliseconds > 0 && longest.inNanoseconds > 0)
        #expect(!longest.text.isEmpty)
        #expect(Duration.seconds(Int64.min / 2).inMilliseconds == .min)
    }

    @Test(arguments: 0..<100)
    func `every duration in milliseconds survives being written and read`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let factor = [1, 1000, 60_000, 3_600_000, 86_400_000].randomElement(using: &random) ?? 1
        let duration = Duration.milliseconds(Int64.random(in: 0...999_999, using: &random) * Int64(factor))
        #expect(Duration(text: duration.text) == duration, "seed \(seed)")
    }

    @Test func `measures drop what is finer`() {
        #expect(Duration.microseconds(1999).inMilliseconds == 1)
        #expect(Duration.milliseconds(1500).inNanoseconds == 1_500_000_000)
        #expect(Duration.milliseconds(90_000).text == "90s" && Duration.milliseconds(1_500).text == "1500ms")
    }
}
