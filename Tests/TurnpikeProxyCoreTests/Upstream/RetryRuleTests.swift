// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

@Suite struct RetryRuleTests {
    @Test func `each condition covers what it names and nothing else`() {
        let failures: [(UpstreamFailure, Int)] =
            [(.connect, 0), (.connectTimeout, 0), (.closed, 0), (.timeout, 0), (.malformed, 0)]
            + [499, 500, 503, 563, 564, 599, 600].map { (.status, $0) }
        func covered(_ condition: Retries.Condition) -> [String] {
            let rule = RetryRule(Retries(on: [condition]))
            return failures.filter { rule.covers($0.0, status: $0.1) }.map { "\($0.0.rawValue) \($0.1)" }
        }
        #expect(covered(.connectFailure) == ["connect 0", "connect_timeout 0"])
        #expect(covered(.reset) == ["closed 0"])
        #expect(covered(.timeout) == ["timeout 0"])
        #expect(covered(.serverErrors) == ["status 500", "status 503", "status 563", "status 564", "status 599"])
        for status in [500, 503, 563, 564, 599] { #expect(covered(.status(status)) == ["status \(status)"]) }
        #expect(!RetryRule(Retries(on: [.connectFailure])).repeatsRequests)
        #expect(RetryRule(Retries(on: [.status(599)])).repeatsRequests)
    }

    @Test func `pauses are random, up to a bound that doubles until it is the longest`() {
        var random = RandomSource(seed: 1)
        let backOff = Retries.BackOff(baseInterval: .milliseconds(10), maxInterval: .milliseconds(60))
        let rule = RetryRule(Retries(on: [.reset], backOff: backOff))
        for (number, bound) in [(1, 10), (2, 20), (3, 40), (4, 60), (10, 60), (1000, 60)] as [(Int, UInt64)] {
            let pauses = (0..<500).map { _ in rule.pause(beforeRetry: number, random: &random) }
            #expect(pauses.allSatisfy { $0 <= bound * .millisecond })
            #expect(pauses.contains { $0 > bound * .millisecond * 9 / 10 })
            #expect(pauses.contains { $0 < bound * .millisecond / 10 })
        }
    }

    @Test(arguments: Retries.knownMethods)
    func `without a word about it, the idempotent methods may be sent twice`(method: String) {
        let rule = RetryRule(Retries(on: [.reset]))
        #expect(rule.methods.contains(MethodSet(HTTPMethod(method))) == !["POST", "PATCH"].contains(method))
        let named = RetryRule(Retries(on: [.reset], methods: ["POST"]))
        #expect(named.methods.contains(MethodSet(HTTPMethod(method))) == (method == "POST"))
    }
}

@Suite struct RetryBudgetTests {
    /// Seeded: of every span that begins with an empty budget or not, retries stay below what was paid in and saved up.
    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func `retries never exceed the budget`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let rule = Retries.Budget(
            percent: Int.random(in: 0...100, using: &random), minPerSecond: Int.random(in: 0...20, using: &random))
        var budget = RetryBudget()
        var now: UInt64 = .random(in: 0...1 << 40, using: &random)
        var requests = 0
        var taken = 0
        var excess = 0.0
        let start = now
        for _ in 0..<20_000 {
            now += .random(in: 0...20 * .millisecond, using: &random)
            if Bool.random(using: &random) {
                requests += 1
                budget.deposit(rule)
            }
            if Int.random(in: 0..<3, using: &random) != 0, budget.take(rule, now: now) { taken += 1 }
            let seconds = Double(now - start) / 1e9
            let allowed =
                Double(requests * rule.percent) / 100 + seconds * Double(rule.minPerSecond)
                + 10 * Double(max(rule.minPerSecond, 1))
            excess = max(excess, Double(taken) - allowed)
        }
        #expect(excess == 0, "seed \(seed)")
        // And it gives out nearly all that there is.
        let due = Double(requests * rule.percent) / 100 + Double(now - start) / 1e9 * Double(rule.minPerSecond)
        #expect(Double(taken) >= min(due, 10_000) * 0.9 - 10, "seed \(seed): \(taken) of \(due)")
    }

    @Test func `what is saved up in a long calm is ten seconds' worth`() {
        let rule = Retries.Budget(percent: 0, minPerSecond: 3)
        var budget = RetryBudget()
        let now: UInt64 = 3_600 * .second
        #expect((0..<100).count { _ in budget.take(rule, now: now) } == 30)
        #expect((0..<100).count { _ in budget.take(rule, now: now + .second) } == 3)
    }

    @Test func `requests alone pay for their share`() {
        let rule = Retries.Budget(percent: 20, minPerSecond: 0)
        var budget = RetryBudget()
        #expect(budget.take(rule, now: .second) == false)
        for _ in 0..<5 { budget.deposit(rule) }
        #expect((0..<2).map { _ in budget.take(rule, now: .second) } == [true, false])
        for _ in 0..<10_000 { budget.deposit(rule) }
        #expect((0..<100).count { _ in budget.take(rule, now: .second) } == 10)
    }
}
