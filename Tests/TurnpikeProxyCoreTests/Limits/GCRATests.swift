// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

@Suite struct GCRATests {
    private static let second: Int64 = 1_000_000_000

    /// The definition, without any arithmetic to be wrong about: a bucket of `burst` tokens, each of `interval` parts, of
    /// which `limit` parts drip in each nanosecond.
    private struct TokenBucket {
        let limit: Int, interval: Int, burst: Int
        var parts: Int
        var last = 0

        init(limit: Int, interval: Int, burst: Int) {
            (self.limit, self.interval, self.burst) = (limit, interval, burst)
            parts = burst * interval
        }

        mutating func take(at now: Int) -> Bool {
            parts = min(burst * interval, parts + (now - last) * limit)
            last = now
            guard parts >= interval else { return false }
            parts -= interval
            return true
        }
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func `it decides as an exact token bucket does`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let limit = Int.random(in: 1...50, using: &random)
        let interval = Int.random(in: 1...10_000, using: &random)
        let burst = Int.random(in: 1...20, using: &random)
        let rate = GCRA(limit: Int64(limit), interval: Int64(interval), burst: Int64(burst))
        var bucket = TokenBucket(limit: limit, interval: interval, burst: burst)
        var arrival = GCRA.Arrival()
        var now = 0
        for step in 0..<2000 {
            now += Int.random(in: 0...(2 * interval / limit + 1), using: &random)
            let expected = bucket.take(at: now)
            switch rate.decide(arrival, now: UInt64(now)) {
            case .allowed(let next):
                #expect(expected, "seed \(seed), step \(step)")
                arrival = next
                #expect(
                    rate.remaining(arrival, now: UInt64(now)) == UInt64(bucket.parts / interval),
                    "seed \(seed), step \(step)")
            case .refused(let wait):
                #expect(!expected, "seed \(seed), step \(step)")
                let missing = interval - bucket.parts
                #expect(wait == UInt64((missing + limit - 1) / limit), "seed \(seed), step \(step)")
            }
        }
    }

    @Test func `a rate that no nanosecond divides does not drift`() {
        // Seven a second: a request takes 142,857,142.857… ns.
        let rate = GCRA(limit: 7, interval: Self.second, burst: 2)
        var arrival = GCRA.Arrival()
        var now: UInt64 = 0
        var admitted: UInt64 = 0
        while admitted < 50_000 {
            switch rate.decide(arrival, now: now) {
            case .refused(let wait): now += wait
            case .allowed(let next):
                arrival = next
                admitted += 1
            }
        }
        #expect(now == (49_998 * 1_000_000_000 + 6) / 7)
    }

    @Test func `waiting as long as it says is enough, and a nanosecond less is not`() throws {
        let rate = GCRA(limit: 3, interval: Self.second, burst: 2)
        var arrival = GCRA.Arrival()
        for _ in 0..<2 {
            guard case .allowed(let next) = rate.decide(arrival, now: 5) else {
                Issue.record("the burst was not allowed")
                return
            }
            arrival = next
        }
        guard case .refused(let wait) = rate.decide(arrival, now: 5) else {
            Issue.record("more than the burst was allowed")
            return
        }
        #expect(wait == 333_333_334)
        guard case .refused = rate.decide(arrival, now: 5 + wait - 1),
            case .allowed = rate.decide(arrival, now: 5 + wait)
        else {
            Issue.record("the wait was wrong")
            return
        }
    }

    @Test func `the largest limits do not overflow`() {
        let rate = GCRA(limit: 1_000_000_000, interval: 86_400 * Self.second, burst: 1_000_000_000)
        let now = UInt64(Int64.max)
        guard case .allowed(let arrival) = rate.decide(GCRA.Arrival(), now: now) else {
            Issue.record("the first request was refused")
            return
        }
        #expect(rate.remaining(arrival, now: now) == 999_999_999)
        #expect(rate.resetAfter(arrival, now: now) == 86_400)
    }

    @Test func `values below one are taken as one`() {
        #expect(GCRA(limit: 0, interval: -3, burst: 0) == GCRA(limit: 1, interval: 1, burst: 1))
    }
}
