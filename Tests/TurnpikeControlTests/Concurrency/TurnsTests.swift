// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct TurnsTests {
    @Test func `who comes to an empty line is next but for one of each other tenant`() {
        var turns = Turns<Int>()
        for number in 0..<5000 { turns.add(number, of: "a") }
        for number in 0..<300 { turns.add(number, of: "b") }
        _ = turns.next()
        turns.add(-1, of: "c")
        turns.add(-2, of: nil)
        let taken = (0..<4).compactMap { _ in turns.next() }
        #expect(taken == [0, 1, -1, -2])
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `all come out once, in order within a tenant, and none waits for two of another`(
        seed: UInt64
    ) {
        var random = SeededGenerator(seed: seed)
        var turns = Turns<(tenant: String?, number: Int)>()
        let tenants: [String?] = ["a", "b", "c", "d", nil]
        var added: [String?: Int] = [:]
        var taken: [String?: Int] = [:]
        /// What others have had since a tenant that waits had its turn.
        var others: [String?: [String?: Int]] = [:]
        for step in 0..<20_000 {
            let mustDrain = step >= 10_000
            if !mustDrain, Int.random(in: 0..<100, using: &random) < 55 {
                // One tenant brings most of it.
                let isGreedy = Int.random(in: 0..<4, using: &random) > 0
                let tenant = isGreedy ? "a" : tenants.randomElement(using: &random) ?? nil
                if turns.count(of: tenant) == 0 { others[tenant] = [:] }
                turns.add((tenant, added[tenant, default: 0]), of: tenant)
                added[tenant, default: 0] += 1
            } else if let next = turns.next() {
                #expect(next.number == taken[next.tenant, default: 0])
                taken[next.tenant, default: 0] += 1
                for tenant in tenants where tenant != next.tenant && turns.count(of: tenant) > 0 {
                    others[tenant, default: [:]][next.tenant, default: 0] += 1
                    #expect(others[tenant]?[next.tenant] ?? 0 <= 1)
                }
                others[next.tenant] = [:]
            }
        }
        #expect(turns.count == 0)
        #expect(taken == added)
    }
}
