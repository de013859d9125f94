// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxyCore

@Suite struct SlotTableTests {
    @Test func `a key that was just found is found again, wherever it has moved meanwhile`() {
        var table = SlotTable<Int, String>()
        for key in 0..<4 { _ = table.insert(key, "\(key)") }
        #expect(table.positionAgain(of: 3) == 3)
        #expect(table.positionAgain(of: 3) == 3)
        // The last takes the place of the first.
        table.remove(at: 0)
        #expect(table.positionAgain(of: 3).map { table[$0] } == "3")
        #expect(table.positionAgain(of: 0) == nil)
        #expect(table.positionAgain(of: 1).map { table[$0] } == "1")
        table.remove(at: 0)
        #expect(table.positionAgain(of: 3) == nil)
    }
}
