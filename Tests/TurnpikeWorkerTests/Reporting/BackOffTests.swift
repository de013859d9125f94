// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeTestSupport

@testable import TurnpikeWorker

@Suite struct BackOffTests {
    @Test func `the bound doubles with each failure up to the cap`() {
        var random = SeededGenerator(seed: 1)
        var backOff = BackOff()
        var bounds: [Duration] = []
        for _ in 0..<9 {
            bounds.append(backOff.bound)
            _ = backOff.next(using: &random)
        }
        let milliseconds: [Int64] = [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]
        #expect(bounds == milliseconds.map { .milliseconds($0) })
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func `every wait lies between zero and the bound, and they spread`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var lower = 0
        for _ in 0..<1000 {
            var backOff = BackOff()
            for _ in 0..<12 {
                let bound = backOff.bound
                let wait = backOff.next(using: &random)
                #expect(wait >= .zero && wait <= bound, "seed \(seed)")
                if wait * 2 < bound { lower += 1 }
            }
        }
        #expect((5400...6600).contains(lower), "seed \(seed)")
    }

    @Test func `a success begins anew, and endless failure does not overflow`() {
        var random = SeededGenerator(seed: 1)
        var backOff = BackOff(base: .seconds(1), cap: .seconds(1_000_000_000))
        for _ in 0..<10_000 { _ = backOff.next(using: &random) }
        #expect(backOff.bound == .seconds(1_000_000_000))
        backOff.reset()
        #expect(backOff.bound == .seconds(1))
    }
}
