// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeControl

@Suite struct CompiledStateTests {
    private func quota(_ name: String, limit: Int64 = 1) -> CompiledResource {
        .quota(
            CompiledQuota(
                tenant: "t", name: name, id: .zero, tenantID: .zero, per: .tenant, limit: limit, period: .day,
                enforcement: .hard))
    }

    @Test func `it holds, replaces and removes`() {
        var state = CompiledState()
        for number in 0..<3000 { state[quota("q\(number)").name] = quota("q\(number)") }
        #expect(state.count == 3000)
        state[quota("q7").name] = quota("q7", limit: 2)
        #expect(state.count == 3000)
        #expect(state[quota("q7").name] == quota("q7", limit: 2))
        state[quota("q7").name] = nil
        state[quota("q7").name] = nil
        #expect(state.count == 2999)
        #expect(state[quota("q7").name] == nil)
    }

    @Test func `an update tells whether it changed anything`() {
        var state = CompiledState()
        let states = [quota("q"), quota("q"), quota("q", limit: 2), nil, nil]
        let told = states.map { state.update(quota("q").name, to: $0) }
        #expect(told == [true, false, true, true, false])
        #expect(state.count == 0 && state[quota("q").name] == nil)
    }

    @Test func `going over it sees the state as it was`() {
        var state = CompiledState()
        for number in 0..<3000 { state[quota("q\(number)").name] = quota("q\(number)") }
        var iterator = state.makeIterator()
        var seen: Set<CompiledResource> = []
        while let resource = iterator.next() {
            seen.insert(resource)
            state[resource.name] = nil
        }
        #expect(seen == Set((0..<3000).map { quota("q\($0)") }))
        #expect(state.count == 0)
    }
}
