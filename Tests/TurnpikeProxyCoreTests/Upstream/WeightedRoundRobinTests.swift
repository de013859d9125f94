// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

@Suite struct WeightedRoundRobinTests {
    @Test func `turns are spread and not given in runs`() {
        var turns = WeightedRoundRobin(weights: [5, 1, 1])
        #expect((0..<7).map { _ in turns.next() } == [0, 0, 1, 0, 2, 0, 0])
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `everyone gets exactly its share of each round`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let weights = (0..<Int.random(in: 1...9, using: &random)).map { _ in Int.random(in: 0...20, using: &random) }
        var turns = WeightedRoundRobin(weights: weights)
        for _ in 0..<5 {
            var counts = Array(repeating: 0, count: weights.count)
            for _ in 0..<weights.reduce(0, +) { turns.next().map { counts[$0] += 1 } }
            #expect(counts == weights, "seed \(seed)")
        }
    }

    @Test func `those that are not available are passed over, and come back without a burst`() {
        var turns = WeightedRoundRobin(weights: [1, 1, 1])
        for _ in 0..<30 { #expect(turns.next { $0 != 1 } != 1) }
        #expect((0..<6).count { _ in turns.next() == 1 } == 2)
    }

    @Test(arguments: [[], [0, 0]])
    func `nobody with a weight means nobody's turn`(weights: [Int]) {
        var turns = WeightedRoundRobin(weights: weights)
        #expect(turns.next() == nil)
    }
}
