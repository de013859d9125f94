// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeProxyCore

@Suite struct IdentifierTests {
    @Test func `a request id is written as other ids are`() {
        let id = RequestID(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)
        #expect(id.description == ResourceID(high: id.high, low: id.low).text(prefix: "req"))
        #expect(id.description.utf8.count == RequestID.textLength)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `ids of whatever bits are written as their digits say`(seed: UInt64) throws {
        var random = RandomSource(seed: seed)
        let (high, low, parent) = (random.next(), random.next(), random.next())
        #expect(RequestID(high: high, low: low).description == ResourceID(high: high, low: low).text(prefix: "req"))

        func hex(_ number: some BinaryInteger, _ digits: Int) -> String {
            let text = String(number, radix: 16)
            return String(repeating: "0", count: digits - text.count) + text
        }
        let trace = TraceParent(traceHigh: high, traceLow: low >> 9, parent: parent >> 17, flags: UInt8(seed))
        let expected = "00-\(hex(high, 16))\(hex(low >> 9, 16))-\(hex(parent >> 17, 16))-\(hex(seed, 2))"
        #expect(written(capacity: TraceParent.textLength) { trace.write(to: &$0) } == expected)
    }

    @Test func `request ids grow, within a millisecond and when the clock steps back`() {
        var random = RandomSource(seed: 1)
        var source = RequestIDSource()
        var ids: [RequestID] = []
        for millis: UInt64 in [1000, 1000, 1000, 999, 1001, 0, 1002] {
            for _ in 0..<100 { ids.append(source.next(unixMillis: millis, random: &random)) }
        }
        #expect(zip(ids, ids.dropFirst()).allSatisfy(<))
        let texts = ids.map(\.description)
        #expect(texts == texts.sorted())
        #expect(ids[0].high >> 16 == 1000)
    }

    @Test func `random sources repeat by seed and differ between seeds`() {
        var one = RandomSource(seed: 7)
        var same = RandomSource(seed: 7)
        var other = RandomSource(seed: 8)
        let draws = (0..<50).map { _ in one.next() }
        #expect(draws == (0..<50).map { _ in same.next() })
        #expect(Set(draws).isDisjoint(with: (0..<50).map { _ in other.next() }))
    }

    @Test(arguments: [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
        ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what", true),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what", false),
        ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
        ("00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
        ("00-00000000000000000000000000000000-b7ad6b7169203331-01", false),
        ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false),
        ("00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
        ("00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01", false), ("", false),
    ])
    func `traceparent is valid by the specification only`(text: String, isValid: Bool) {
        let trace = Array(text.utf8).withUnsafeBytes { TraceParent($0) }
        #expect((trace != nil) == isValid)
    }

    @Test func `traceparent is written as it was read`() throws {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let trace = try #require(Array(text.utf8).withUnsafeBytes { TraceParent($0) })
        #expect(written(capacity: TraceParent.textLength) { trace.write(to: &$0) } == text)
        let made = TraceParent(traceHigh: 0, traceLow: 0, parent: 0)
        let madeText = try #require(written(capacity: TraceParent.textLength) { made.write(to: &$0) })
        #expect(Array(madeText.utf8).withUnsafeBytes { TraceParent($0) } == made)
    }
}
