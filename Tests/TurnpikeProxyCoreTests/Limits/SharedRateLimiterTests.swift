// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

/// One limiter, many threads.
@Suite(.timeLimit(.minutes(1))) struct SharedRateLimiterTests {
    private static let threads = 8

    private func key(_ subject: Int) -> RateLimitKey {
        RateLimitKey(policy: ResourceID(high: 1, low: 1), subject: ResourceID(high: 2, low: UInt64(subject)))
    }

    /// Runs `body` on several threads at once; returns the sum of what it returns.
    private func sum(_ body: @escaping @Sendable (_ thread: Int) -> Int) async -> Int {
        await withTaskGroup(of: Int.self) { group in
            for thread in 0..<Self.threads { group.addTask { body(thread) } }
            return await group.reduce(0, +)
        }
    }

    @Test func `together they pass exactly the burst, however they interleave`() async {
        let limiter = RateLimiter(capacity: 1024, seed: 1)
        let rate = GCRA(limit: 1, interval: 1_000_000_000, burst: 5000)
        let passed = await sum { _ in
            (0..<5000).count { _ in if case .allowed = limiter.take(key(1), rate, now: 7) { true } else { false } }
        }
        #expect(passed == 5000)
        #expect(limiter.state(key(1), rate, now: 7)?.remaining == 0)
    }

    @Test func `what is taken and given back at the same time leaves the count right`() async {
        let limiter = RateLimiter(capacity: 1024, seed: 1)
        let rate = GCRA(limit: 1, interval: 1_000_000_000, burst: 1_000_000)
        let kept = await sum { thread in
            var kept = 0
            for round in 0..<5000 {
                _ = limiter.take(key(1), rate, now: 7)
                if (thread + round).isMultiple(of: 3) { limiter.giveBack(key(1), rate) } else { kept += 1 }
            }
            return kept
        }
        #expect(limiter.state(key(1), rate, now: 7)?.remaining == UInt64(1_000_000 - kept))
    }

    @Test func `newcomers that all threads meet at once are counted by each, while there is room`() async {
        let limiter = RateLimiter(capacity: 1 << 16, seed: 5)
        let rate = GCRA(limit: 1, interval: 1_000_000_000, burst: 3)
        let passed = await sum { _ in
            (0..<4000).reduce(0) { passed, subject in
                if case .allowed = limiter.take(key(subject), rate, now: 7) { passed + 1 } else { passed }
            }
        }
        #expect(passed == 4000 * 3)
        #expect(limiter.count == 4000)
    }

    /// Places change hands all the time: nobody may be charged for what another did.
    @Test(arguments: [UInt64(1), 2, 3])
    func `in a table that is far too small, nobody pays for another`(seed: UInt64) async {
        let limiter = RateLimiter(capacity: 16, seed: seed)
        // What one request of the slow ones takes would keep a fast one waiting for a day.
        let slow = GCRA(limit: 1, interval: 86_400_000_000_000, burst: 1_000_000)
        let fast = GCRA(limit: 1_000_000, interval: 1_000_000, burst: 100)
        let clock = Atomic<UInt64>(1_000_000)
        let wronged = await sum { thread in
            var random = SeededGenerator(seed: seed &* 100 &+ UInt64(thread))
            var wronged = 0
            for _ in 0..<20_000 {
                let now = clock.wrappingAdd(1, ordering: .relaxed).newValue
                let subject = Int.random(in: 0..<64, using: &random)
                guard subject.isMultiple(of: 2) else {
                    _ = limiter.take(key(subject), slow, now: now)
                    continue
                }
                // A thread that was held up asks with an old time, and may have to wait for some microseconds.
                let verdict = limiter.take(key(subject), fast, now: now)
                if case .refused(let wait) = verdict, wait > 1_000_000_000 { wronged += 1 }
            }
            return wronged
        }
        #expect(wronged == 0, "seed \(seed)")
    }
}
