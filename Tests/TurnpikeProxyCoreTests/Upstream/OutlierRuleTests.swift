// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@testable import TurnpikeProxyCore

@Suite struct OutlierRuleTests {
    private func rule(_ consecutive5xx: Int = 3, gateway: Int = 0, percent: Int = 10) -> OutlierRule {
        OutlierRule(
            OutlierDetection(
                consecutive5xx: consecutive5xx, consecutiveGatewayErrors: gateway, baseEjectionTime: .seconds(10),
                maxEjectionTime: .seconds(35), maxEjectionPercent: percent))
    }

    @Test(
        arguments: [
            ([500, 500, 500], true), ([500, 500], false), ([500, 502, 599], true), ([500, 500, 200, 500], false),
            ([500, 500, 404, 500, 500], false), ([200, 503, 503, 504], true),
        ])
    func `so many 5xx in a row eject, and anything else begins anew`(statuses: [Int], expected: Bool) {
        var state = OutlierState()
        var ejects = false
        for status in statuses { ejects = state.note(TryOutcome(status: status), by: rule(), now: 0) }
        #expect(ejects == expected)
    }

    @Test(
        arguments: [
            ([502, 503], true), ([502, 500, 504], false), ([500, 500, 500, 500], false), ([504, 200, 502], false),
        ])
    func `gateway errors have a count of their own, which other errors interrupt`(statuses: [Int], expected: Bool) {
        var state = OutlierState()
        var ejects = false
        for status in statuses { ejects = state.note(TryOutcome(status: status), by: rule(0, gateway: 2), now: 0) }
        #expect(ejects == expected)
    }

    @Test func `each ejection is longer than the one before, up to the longest`() {
        var state = OutlierState()
        var now: UInt64 = 5
        for seconds in [10, 20, 30, 35, 35] as [UInt64] {
            state.eject(by: rule(), now: now)
            #expect(state.isEjected(now: now + seconds * .second - 1))
            now += seconds * .second
            #expect(!state.isEjected(now: now))
        }
    }

    @Test func `good times make earlier ejections forgotten, one by one`() {
        var state = OutlierState()
        for now in [0, 10, 30] as [UInt64] { state.eject(by: rule(), now: now * .second) }
        #expect(state.ejectedUntil == 60 * .second)
        // Two base times later one of three is left, and this is the second.
        state.eject(by: rule(), now: 80 * .second)
        #expect(state.ejectedUntil == 100 * .second)
        state.eject(by: rule(), now: 10_000 * .second)
        #expect(state.ejectedUntil == 10_010 * .second)
    }

    @Test func `what was under way at an ejection teaches nothing`() {
        var state = OutlierState()
        state.eject(by: rule(), now: 0)
        for _ in 0..<10 { #expect(state.note(.gatewayError, by: rule(), now: 5 * .second) == false) }
        #expect(state.note(.gatewayError, by: rule(), now: 10 * .second) == false)
    }

    @Test(arguments: [
        (1, 10, 0), (1, 100, 1), (2, 10, 1), (10, 10, 1), (25, 10, 2), (4, 50, 2), (3, 100, 3), (0, 100, 0),
    ])
    func `of several endpoints one may always be out, and else what the percentage allows`(
        count: Int, percent: Int, expected: Int
    ) {
        #expect(rule(percent: percent).mostEjected(of: count) == expected)
    }
}
