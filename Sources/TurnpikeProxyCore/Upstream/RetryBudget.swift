// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// What one service may spend on retries in one event loop: each request pays a part of one in, and so does time. What is
/// saved up is bounded, so that after a long calm a failure does not meet a crowd.
///
/// Of any span: retries ≤ requests × percent / 100 + seconds × minPerSecond + what had been saved up, which is at most ten
/// seconds of the minimum, and ten retries where that is less.
struct RetryBudget: Sendable {
    /// Nanoseconds in which a minimum of one a second earns a hundredth of a retry.
    private static let tick: UInt64 = 10_000_000

    /// In hundredths of a retry.
    private var saved = 0
    /// Up to when the minimum has been paid in.
    private var paidUntil: UInt64 = 0

    /// A request pays in.
    mutating func deposit(_ budget: Retries.Budget) { saved = min(saved + budget.percent, Self.most(budget)) }

    /// Takes a retry out, if there is one.
    mutating func take(_ budget: Retries.Budget, now: UInt64) -> Bool {
        payMinimum(budget, now: now)
        guard saved >= 100 else { return false }
        saved -= 100
        return true
    }

    private mutating func payMinimum(_ budget: Retries.Budget, now: UInt64) {
        guard budget.minPerSecond > 0 else { return }
        let rate = UInt64(budget.minPerSecond)
        // What is longer ago than ten seconds would not fit in.
        let since = max(paidUntil, now > 10_000_000_000 ? now - 10_000_000_000 : 0)
        let earned = (now - min(since, now)) * rate / Self.tick
        saved = min(saved + Int(earned), Self.most(budget))
        // Rounded up: a part of a hundredth is never paid twice.
        paidUntil = since + (earned * Self.tick + rate - 1) / rate
    }

    private static func most(_ budget: Retries.Budget) -> Int { 1000 * max(budget.minPerSecond, 1) }
}
