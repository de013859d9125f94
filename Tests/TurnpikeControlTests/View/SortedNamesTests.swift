// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct SortedNamesTests {
    @Test(arguments: UInt64(1)...4)
    func `they stay in order and complete under random changes`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var names = SortedNames()
        var model: Set<String> = []
        for _ in 0..<6000 {
            let name = "n\(Int.random(in: 0..<3000, using: &random))"
            if Int.random(in: 0..<3, using: &random) == 0 {
                names.remove(name)
                model.remove(name)
            } else {
                names.insert(name)
                model.insert(name)
            }
        }
        let expected = model.sorted()
        #expect(names.count == model.count, "seed \(seed)")
        #expect(names.names(after: nil, limit: .max) == expected, "seed \(seed)")
        for _ in 0..<100 {
            let start = "n\(Int.random(in: 0..<3100, using: &random))"
            let page = names.names(after: start, limit: 7)
            #expect(page == Array(expected.filter { $0 > start }.prefix(7)), "seed \(seed), after \(start)")
        }
    }

    @Test func `ascending names fill it too`() {
        var names = SortedNames()
        let all = (10_000..<12_000).map(String.init)
        for name in all { names.insert(name) }
        #expect(names.names(after: nil, limit: .max) == all)
        #expect(names.names(after: "0", limit: 1) == ["10000"])
        #expect(names.names(after: "11999", limit: 1).isEmpty)
        for name in all { names.remove(name) }
        #expect(names.count == 0)
        #expect(names.names(after: nil, limit: 1).isEmpty)
    }
}
