// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@testable import TurnpikeProxyCore

@Suite struct RateLimiterTests {
    private let rate = GCRA(limit: 1, interval: 1_000_000_000, burst: 3)

    private func key(_ subject: UInt64, policy: UInt64 = 1) -> RateLimitKey {
        RateLimitKey(policy: ResourceID(high: 0, low: policy), subject: ResourceID(high: 0, low: subject))
    }

    private func passes(_ limiter: RateLimiter, _ key: RateLimitKey, _ rate: GCRA, now: UInt64) -> Bool {
        if case .allowed = limiter.take(key, rate, now: now) { true } else { false }
    }

    @Test func `subjects and policies do not share`() {
        let limiter = RateLimiter(capacity: 1024, seed: 1)
        for _ in 0..<3 { #expect(passes(limiter, key(1), rate, now: 0)) }
        #expect(!passes(limiter, key(1), rate, now: 0))
        #expect(passes(limiter, key(2), rate, now: 0))
        #expect(passes(limiter, key(1, policy: 2), rate, now: 0))
    }

    @Test func `checking takes nothing`() {
        let limiter = RateLimiter(capacity: 1024, seed: 1)
        for _ in 0..<100 { #expect(limiter.check(key(1), rate, now: 0) != .refused(retryAfter: 1)) }
        #expect(limiter.count == 0 && limiter.state(key(1), rate, now: 0) == nil)
        #expect(passes(limiter, key(1), rate, now: 0))
        #expect(limiter.state(key(1), rate, now: 0)?.remaining == 2)
    }

    @Test func `what is given back can be taken again, and no more than that`() {
        let limiter = RateLimiter(capacity: 1024, seed: 1)
        for _ in 0..<3 { #expect(passes(limiter, key(1), rate, now: 5)) }
        limiter.giveBack(key(1), rate)
        #expect(passes(limiter, key(1), rate, now: 5) && !passes(limiter, key(1), rate, now: 5))
        limiter.giveBack(key(2), rate)
        #expect(limiter.count == 1)
    }

    @Test func `a full table keeps to its bound, and lets newcomers in`() {
        let limiter = RateLimiter(capacity: 100, seed: 2)
        #expect(limiter.capacity == 64)
        for subject in 0..<10_000 {
            #expect(passes(limiter, key(UInt64(subject)), rate, now: 0))
        }
        #expect(limiter.count == 64)
    }

    @Test func `subjects whose burst is whole again make room before any other`() {
        let limiter = RateLimiter(capacity: 8, seed: 3)
        for subject in 0..<4 as Range<UInt64> { #expect(passes(limiter, key(subject), rate, now: 0)) }
        let later: UInt64 = 2_000_000_000
        for subject in 4..<8 as Range<UInt64> {
            for _ in 0..<3 { #expect(passes(limiter, key(subject), rate, now: later)) }
        }
        // Four newcomers take the places of the first four; the next takes that of the one who is whole soonest.
        for subject in 8..<12 as Range<UInt64> { #expect(passes(limiter, key(subject), rate, now: later)) }
        for subject in 0..<4 as Range<UInt64> { #expect(limiter.state(key(subject), rate, now: later) == nil) }
        for subject in 4..<8 as Range<UInt64> { #expect(!passes(limiter, key(subject), rate, now: later)) }
        #expect(passes(limiter, key(8), rate, now: later))
        #expect(passes(limiter, key(12), rate, now: later))
        for subject in 4..<9 as Range<UInt64> {
            #expect(limiter.state(key(subject), rate, now: later)?.remaining == (subject == 8 ? 1 : 0))
        }
    }

    @Test func `a changed rate keeps what was taken`() {
        let limiter = RateLimiter(capacity: 1024, seed: 1)
        for _ in 0..<3 { #expect(passes(limiter, key(1), rate, now: 0)) }
        let doubled = GCRA(limit: 2, interval: 1_000_000_000, burst: 3)
        #expect(!passes(limiter, key(1), doubled, now: 0))
        // Three requests at one a second ahead: with a burst of three at two a second, two seconds have to pass.
        #expect(!passes(limiter, key(1), doubled, now: 1_999_999_999))
        #expect(passes(limiter, key(1), doubled, now: 2_000_000_000))
    }

    @Test func `subjects are spread over the table, whichever half of their ids tells them apart`() {
        let limiter = RateLimiter(capacity: 4096, seed: 4)
        for number in 0..<1024 as Range<UInt64> {
            let subject = number.isMultiple(of: 2) ? ResourceID(high: number, low: 0) : ResourceID(high: 0, low: number)
            let key = RateLimitKey(policy: ResourceID(high: 1, low: 1), subject: subject)
            #expect(passes(limiter, key, rate, now: 0))
        }
        // A quarter of the places are in use: a set of eight overflows once in some four hundred.
        #expect(limiter.count > 1010)
    }
}
