// SPDX-License-Identifier: Apache-2.0

import TurnpikeMetering
import TurnpikeProxyCore

/// A loop as others see it that lack units of a quota. Safe from any thread.
struct LeaseLender: Sendable {
    typealias Answer = @Sendable ([QuotaLeases.Loan]) -> Void

    /// Of the loop's engine.
    let id: ObjectIdentifier
    /// Calls back, on the lender's loop, with what it has spent for the asker; never, where that loop has stopped.
    let ask: @Sendable (_ shortfalls: [QuotaLeases.Shortfall], _ answer: @escaping Answer) -> Void
}

/// A round of one loop through the others: they are asked one after the other, each for what those before it did not have.
struct Borrowing: Sendable {
    let shortfalls: [QuotaLeases.Shortfall]
    private(set) var loans: [QuotaLeases.Loan] = []
    /// What is still lacking.
    private(set) var open: [QuotaLeases.Shortfall]
    private var lenders: ArraySlice<LeaseLender>

    init(_ shortfalls: [QuotaLeases.Shortfall], of lenders: [LeaseLender]) {
        self.shortfalls = shortfalls
        open = shortfalls
        self.lenders = lenders[...]
    }

    /// Who is to be asked now; nil where the round is over.
    var next: LeaseLender? { open.isEmpty ? nil : lenders.first }

    /// The round after the answer of ``next``.
    func lent(_ lent: [QuotaLeases.Loan]) -> Borrowing {
        var rest = self
        rest.lenders = lenders.dropFirst()
        rest.loans += lent
        for loan in lent {
            let key = QuotaLeases.Key(quota: loan.key.quota, subject: loan.key.subject)
            for index in rest.open.indices where rest.open[index].key == key { rest.open[index].units -= loan.units }
        }
        rest.open.removeAll { $0.units <= 0 }
        return rest
    }
}
