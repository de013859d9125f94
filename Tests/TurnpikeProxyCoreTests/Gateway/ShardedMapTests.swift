// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

@Suite struct ShardedMapTests {
    @Test(arguments: UInt64(0)..<4)
    func `it holds what a dictionary does, and copies keep what they had`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var map = ShardedMap<String, Int>()
        var dictionary: [String: Int] = [:]
        var copies: [(ShardedMap<String, Int>, [String: Int])] = []
        // Up to some thousands, and down again.
        for step in 0..<12_000 {
            let key = "k\(Int.random(in: 0..<4_000, using: &random))"
            let value = Int.random(in: 0..<10, using: &random) < (step < 6_000 ? 8 : 1) ? step : nil
            map[key] = value
            dictionary[key] = value
            if step % 2_000 == 0 { copies.append((map, dictionary)) }
        }
        for (map, dictionary) in copies + [(map, dictionary)] {
            #expect(map.count == dictionary.count && map.isEmpty == dictionary.isEmpty, "seed \(seed)")
            #expect(map.values.sorted() == dictionary.values.sorted(), "seed \(seed)")
            #expect((0..<4_000).allSatisfy { map["k\($0)"] == dictionary["k\($0)"] }, "seed \(seed)")
        }
    }
}
