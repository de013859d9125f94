// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxyCore

@Suite struct RefilledListTests {
    @Test func `a list shows nothing of what was in it before it was emptied`() {
        var list = RefilledList<Int>()
        for number in 1...3 { list.append(number) }
        list.removeAll()
        #expect(list.elements.isEmpty && list.indices.isEmpty)
        list.append(4)
        #expect(Array(list.elements) == [4] && list.count == 1 && list[0] == 4)
    }

    @Test func `a list grows beyond what it has held before`() {
        var list = RefilledList<Int>(capacity: 1)
        list.append(1)
        list.removeAll()
        for number in 1...40 { list.append(number) }
        #expect(Array(list.elements) == Array(1...40))
    }

    @Test func `a copy stays as it is when the list is filled anew`() {
        var list = RefilledList<Int>()
        list.append(1)
        let copy = list
        list.removeAll()
        list.append(2)
        #expect(copy[0] == 1 && list[0] == 2)
    }
}
