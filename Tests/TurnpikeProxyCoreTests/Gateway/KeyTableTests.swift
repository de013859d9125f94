// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

@Suite struct KeyTableTests {
    private let tenant = ResourceID(high: 1, low: 1)

    private func key(_ name: Int, digest: UInt64) -> CompiledKey {
        CompiledKey(
            tenant: "acme", name: "k\(name)", id: ResourceID(high: 2, low: UInt64(name)), tenantID: tenant,
            digest: self.digest(digest), expiresAt: nil, routes: [])
    }

    /// Spread over all tables, as digests are.
    private func digest(_ number: UInt64) -> KeyDigest {
        KeyDigest(words: (number &* 0x9E37_79B9_7F4A_7C15, number, 2, 3))
    }

    @Test(arguments: 0..<3 as Range<UInt64>)
    func `a key is found by its digest until it is taken out by its name`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var table = KeyTable()
        var model: [Int: UInt64] = [:]
        for step in 1...40_000 as ClosedRange<UInt64> {
            let name = Int.random(in: 0..<20_000, using: &random)
            table.remove(tenant: "acme", name: "k\(name)")
            model[name] = nil
            guard step % 3 > 0 else { continue }
            let isNew = table.insert(key(name, digest: step))
            #expect(isNew, "seed \(seed)")
            model[name] = step
        }
        #expect(table.count == model.count, "seed \(seed)")
        for (name, step) in model { #expect(table.find(digest(step))?.id.low == UInt64(name), "seed \(seed)") }
        let live = Set(model.values)
        let gone = (1...40_000 as ClosedRange<UInt64>).filter { !live.contains($0) }
        #expect(gone.allSatisfy { table.find(digest($0)) == nil }, "seed \(seed)")
    }

    @Test func `a digest belongs to one key, and may pass to another once it is free`() {
        var table = KeyTable()
        let first = table.insert(key(1, digest: 7))
        let second = table.insert(key(2, digest: 7))
        table.remove(tenant: "acme", name: "k1")
        let third = table.insert(key(2, digest: 7))
        #expect(first && !second && third)
        #expect(table.find(digest(7))?.id.low == 2)
    }
}
