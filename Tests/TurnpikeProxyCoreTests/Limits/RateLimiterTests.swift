// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@testable import TurnpikeProxyCore

@Suite struct RateLimiterTests {
    private let rate = GCRA(limit: 1, interval: 1_000_000_000, burst: 3)

    private func key(_ subject: UInt64, policy: UInt64 = 1) -> RateLimitKey {
        RateLimitKey(policy: ResourceID(high: 0, low: policy), subject: ResourceID(high: 0, low: subject))
    }

    private func passes(_ limiter: inout RateLimiter, _ key: RateLimitKey, _ rate: GCRA, now: UInt64) -> Bool {
        guard case .allowed = limiter.check(key, rate, now: now) else { return false }
        limiter.count(key, rate, now: now)
        return true
    }

    @Test func `subjects and policies do not share`() {
        var limiter = RateLimiter()
        for _ in 0..<3 { #expect(passes(&limiter, key(1), rate, now: 0)) }
        #expect(!passes(&limiter, key(1), rate, now: 0))
        #expect(passes(&limiter, key(2), rate, now: 0))
        #expect(passes(&limiter, key(1, policy: 2), rate, now: 0))
    }

    @Test func `checking takes nothing`() {
        var limiter = RateLimiter()
        for _ in 0..<100 { #expect(limiter.check(key(1), rate, now: 0) != .refused(retryAfter: 1)) }
        #expect(limiter.count == 0)
        #expect(passes(&limiter, key(1), rate, now: 0))
        #expect(limiter.state(key(1), rate, now: 0).remaining == 2)
    }

    @Test func `subjects whose burst is whole again are forgotten as others come`() {
        var limiter = RateLimiter()
        for subject in 0..<1000 { #expect(passes(&limiter, key(UInt64(subject)), rate, now: 0)) }
        #expect(limiter.count == 1000)
        let later: UInt64 = 2_000_000_000
        for subject in 1000..<2000 { #expect(passes(&limiter, key(UInt64(subject)), rate, now: later)) }
        #expect(limiter.count <= 1010)
    }

    @Test func `a full table makes room, and keeps to its bound`() {
        var limiter = RateLimiter(capacity: 100)
        for subject in 0..<10_000 {
            #expect(passes(&limiter, key(UInt64(subject)), rate, now: 0))
            #expect(limiter.count <= 100)
        }
    }

    @Test func `a changed rate keeps what was taken`() {
        var limiter = RateLimiter()
        for _ in 0..<3 { #expect(passes(&limiter, key(1), rate, now: 0)) }
        let doubled = GCRA(limit: 2, interval: 1_000_000_000, burst: 3)
        #expect(!passes(&limiter, key(1), doubled, now: 0))
        // Three requests at one a second ahead: with a burst of three at two a second, two seconds have to pass.
        #expect(!passes(&limiter, key(1), doubled, now: 1_999_999_999))
        #expect(passes(&limiter, key(1), doubled, now: 2_000_000_002))
    }
}
