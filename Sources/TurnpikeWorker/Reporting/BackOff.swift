// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// How long to wait before the next attempt: a random time up to a bound that doubles with each failure ("full
/// jitter"), so that workers that lost the control plane together do not come back together.
struct BackOff: Sendable, Hashable {
    let base: Duration
    let cap: Duration
    /// Failures since the last success.
    private(set) var attempts = 0

    /// - Parameters:
    ///   - base: the bound of the first wait. Default 100 ms.
    ///   - cap: the bound that is never exceeded. Default 10 s.
    init(base: Duration = .milliseconds(100), cap: Duration = .seconds(10)) {
        self.base = base
        self.cap = cap
    }

    /// The wait after one more failure: from zero to ``bound``.
    mutating func next(using random: inout some RandomNumberGenerator) -> Duration {
        let bound = bound
        attempts += 1
        return .nanoseconds(Int64.random(in: 0...max(0, bound.inNanoseconds), using: &random))
    }

    /// The longest that the next wait can be.
    var bound: Duration {
        // Forty doublings exceed every cap that can be meant, and do not overflow.
        var bound = base
        for _ in 0..<min(attempts, 40) where bound < cap { bound *= 2 }
        return min(bound, cap)
    }

    mutating func reset() { attempts = 0 }
}
