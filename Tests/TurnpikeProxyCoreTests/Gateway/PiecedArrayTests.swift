// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

@Suite struct PiecedArrayTests {
    @Test func `it holds what an array does, and copies keep what they had`() {
        var random = SeededGenerator(seed: 7)
        var pieced = PiecedArray<Int>()
        var array: [Int] = []
        var copies: [(PiecedArray<Int>, [Int])] = []
        for step in 0..<1_000 {
            if array.isEmpty || Bool.random(using: &random) {
                pieced.append(step)
                array.append(step)
            } else {
                let place = Int.random(in: array.indices, using: &random)
                pieced[place] = step
                array[place] = step
            }
            if step % 100 == 0 { copies.append((pieced, array)) }
        }
        for (pieced, array) in copies + [(pieced, array)] {
            #expect(pieced.indices == array.indices)
            #expect(pieced.indices.allSatisfy { pieced[$0] == array[$0] })
            #expect(Array(pieced.values) == array)
        }
    }
}
