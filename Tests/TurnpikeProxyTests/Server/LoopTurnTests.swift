// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeProxyCore

@testable import TurnpikeProxy

/// How loops share what comes, and what they hold.
@Suite struct LoopTurnTests {
    @Test func `loops that are equal take turns, and the one with the fewest clients goes first`() {
        let loads = (0..<3).map { _ in LoopLoad() }
        var turn = LoopTurn()
        #expect((0..<4).map { _ in turn.pick(loads) } == [0, 1, 2, 0])
        for _ in 0..<2 { loads[0].arrived() }
        loads[2].arrived()
        #expect((0..<2).map { _ in turn.pick(loads) } == [1, 1])
        loads[0].left()
        loads[0].left()
        loads[1].arrived()
        #expect(turn.pick(loads) == 0)
    }

    @Test func `clients are counted up to the limit`() {
        let clients = ClientCount(limit: 2)
        #expect((0..<4).map { _ in clients.enter() } == [true, true, false, false])
        clients.leave()
        #expect(clients.enter() && !clients.enter())
    }

    @Test func `a processor at least can be used`() {
        #expect((1...GatewayOptions.mostLoops).contains(GatewayOptions.automaticLoops))
        #expect(GatewayOptions(loops: 0).loops == 1 && GatewayOptions(loops: 1000).loops == GatewayOptions.mostLoops)
    }

    @Test func `a round asks one loop after the other for what is still lacking, and no more`() {
        let keys = (1...2).map {
            QuotaLeases.Key(quota: ResourceID(high: 1, low: $0), subject: ResourceID(high: 2, low: 1))
        }
        func loan(_ key: QuotaLeases.Key, _ units: Int64) -> QuotaLeases.Loan {
            let lease = LeaseKey(quota: key.quota, subject: key.subject, periodStart: Timestamp(seconds: 0))
            return QuotaLeases.Loan(key: lease, periodEnd: Timestamp(seconds: 1), units: units)
        }
        let objects = (0..<4).map { _ in LoopLoad() }
        let lenders = objects.map { LeaseLender(id: ObjectIdentifier($0)) { _, answer in answer([]) } }
        let shortfalls = [QuotaLeases.Shortfall(key: keys[0], units: 5), .init(key: keys[1], units: 1)]

        var round = Borrowing(shortfalls, of: lenders)
        #expect(round.next?.id == lenders[0].id && round.open == shortfalls)
        round = round.lent([loan(keys[0], 2), loan(keys[1], 1)])
        #expect(round.next?.id == lenders[1].id && round.open == [.init(key: keys[0], units: 3)])
        round = round.lent([])
        #expect(round.next?.id == lenders[2].id && round.open == [.init(key: keys[0], units: 3)])
        round = round.lent([loan(keys[0], 3)])
        #expect(round.next == nil && round.loans.map(\.units) == [2, 1, 3] && round.shortfalls == shortfalls)

        var fruitless = Borrowing(shortfalls, of: lenders)
        for _ in lenders { fruitless = fruitless.lent([]) }
        #expect(fruitless.next == nil && fruitless.loans.isEmpty && fruitless.open == shortfalls)
    }
}
