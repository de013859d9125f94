// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeSnapshot

@testable import TurnpikeControl

@Suite struct ChangeHistoryTests {
    private func names(_ names: String...) -> Set<CompiledName> {
        Set(names.map { CompiledName(.route, tenant: "t", name: $0) })
    }

    @Test func `it knows what changed after a revision`() {
        var history = ChangeHistory(from: 10)
        history.append(11, names("a"))
        history.append(12, [])
        history.append(13, names("b", "c"))
        history.append(14, names("c"))
        #expect(history.names(changedAfter: 9) == nil)
        #expect(history.names(changedAfter: 10) == names("a", "b", "c"))
        #expect(history.names(changedAfter: 12) == names("b", "c"))
        #expect(history.names(changedAfter: 13) == names("c"))
        #expect(history.names(changedAfter: 14) == [])
        #expect(history.names(changedAfter: 20) == [])
    }

    @Test func `it knows the last revision that changed anything`() {
        var history = ChangeHistory(from: 10)
        #expect(history.lastEffective(atOrBelow: 12) == 10)
        history.append(13, names("a"))
        history.append(15, names("a"))
        #expect(history.lastEffective(atOrBelow: 5) == 5)
        #expect(history.lastEffective(atOrBelow: 12) == 10)
        #expect(history.lastEffective(atOrBelow: 14) == 13)
        #expect(history.lastEffective(atOrBelow: 99) == 15)
    }

    @Test func `it forgets the oldest revisions and says so`() {
        var history = ChangeHistory(from: 0)
        let count = Int64(ChangeHistory.maximumRevisions)
        for revision in 1...(3 * count) { history.append(revision, names("n\(revision % 3)")) }
        #expect(history.floor == 2 * count)
        #expect(history.names(changedAfter: 2 * count - 1) == nil)
        #expect(history.names(changedAfter: 2 * count) == names("n0", "n1", "n2"))
        #expect(history.names(changedAfter: 3 * count - 1) == names("n\(3 * count % 3)"))
    }

    @Test func `many names in few revisions are bounded too`() {
        var history = ChangeHistory(from: 0)
        let many = Set((0..<ChangeHistory.maximumNames).map { CompiledName(.key, tenant: "t", name: "k\($0)") })
        history.append(1, many)
        #expect(history.floor == 0)
        history.append(2, names("a"))
        #expect(history.floor == 1)
        #expect(history.names(changedAfter: 1) == names("a"))
    }
}
