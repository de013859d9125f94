// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@Suite struct MergedDeltaTests {
    private func quota(_ name: String, limit: Int64) -> CompiledResource {
        .quota(
            CompiledQuota(
                tenant: "acme", name: name, id: .zero, tenantID: .zero, per: .tenant, limit: limit, period: .day,
                enforcement: .hard))
    }

    private func delta(_ revision: Revision, using random: inout SeededGenerator) -> Delta {
        var delta = Delta(
            revision: revision, isSnapshot: Int.random(in: 0..<8, using: &random) == 0, set: [], removed: [])
        for name in ["a", "b", "c", "d"] {
            switch Int.random(in: 0..<3, using: &random) {
            case 0: delta.set.append(quota(name, limit: .random(in: 0...9, using: &random)))
            case 1 where !delta.isSnapshot: delta.removed.append(quota(name, limit: 0).name)
            default: break
            }
        }
        return delta
    }

    @Test(arguments: UInt64(1)...50)
    func `merged deltas lead to where they lead one after the other`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var before = Snapshot(revision: 1)
        before.apply(delta(2, using: &random))
        var (stepwise, merged) = (before, MergedDelta?.none)
        for revision in 3...Revision.random(in: 4...12, using: &random) {
            let next = delta(revision, using: &random)
            stepwise.apply(next)
            if merged == nil { merged = MergedDelta(next) } else { merged?.append(next) }
            var at = before
            if let merged { at.apply(merged.delta) }
            #expect(at == stepwise, "seed \(seed), revision \(revision)")
        }
    }
}
