// SPDX-License-Identifier: Apache-2.0

import Logging
import TurnpikeProxyCore
import TurnpikeSnapshot

/// Who is asked for units of quotas, and when: the control plane for leases, the other loops for what they hold.
extension LoopEngine {
    /// All leases that ran low in one turn of the loop are asked for together.
    func planAsk(at time: UInt64) {
        guard !isAskPlanned else { return }
        isAskPlanned = true
        loop.schedule(at: time) { self.ask() }
    }

    private func ask() {
        isAskPlanned = false
        tick()
        let wants = gateway.takeLeaseWants()
        if !wants.isEmpty { ask(for: wants) }
        guard let next = gateway.nextLeaseAsk else { return }
        planAsk(at: max(next, gateway.now + 1_000_000))
    }

    private func ask(for wants: [LeaseRequest.Want]) {
        let engine = LoopBound(self, on: loop)
        let (leases, loop) = (leases, loop)
        Task {
            let answer: Result<[LeaseGrant], any Error>
            do { answer = .success(try await leases.lease(wants)) } catch { answer = .failure(error) }
            loop.execute { engine.value.take(answer, for: wants) }
        }
    }

    private func take(_ answer: Result<[LeaseGrant], any Error>, for wants: [LeaseRequest.Want]) {
        tick()
        switch answer {
        case .success(let grants): gateway.take(grants, for: wants)
        case .failure(let error):
            gateway.leasesFailed(wants)
            logger.debug("Leases could not be renewed.", metadata: ["count": "\(wants.count)", "error": "\(error)"])
        }
        tellWaiters()
    }

    private func tellWaiters() {
        for client in Array(waiters.values) { client.leasesChanged() }
    }

    // MARK: - Units of other loops

    /// Makes the loops known to each other, this one among them.
    func introduce(_ lenders: [LeaseLender]) {
        self.lenders = lenders.filter { $0.id != ObjectIdentifier(self) }
        if !self.lenders.isEmpty { gateway.mayBorrow() }
    }

    func lend(_ shortfalls: [QuotaLeases.Shortfall]) -> [QuotaLeases.Loan] {
        tick()
        return gateway.lend(shortfalls)
    }

    /// All that is lacking in one turn of the loop is asked for together.
    func planBorrow() {
        guard !isBorrowPlanned else { return }
        isBorrowPlanned = true
        let engine = LoopBound(self, on: loop)
        loop.execute { engine.value.borrow() }
    }

    private func borrow() {
        isBorrowPlanned = false
        tick()
        let shortfalls = gateway.takeShortfalls()
        if !shortfalls.isEmpty { borrow(Borrowing(shortfalls, of: lenders)) }
    }

    private func borrow(_ borrowing: Borrowing) {
        guard let lender = borrowing.next else {
            tick()
            gateway.takeLoans(borrowing.loans, for: borrowing.shortfalls)
            return tellWaiters()
        }
        let engine = LoopBound(self, on: loop)
        let loop = loop
        lender.ask(borrowing.open) { loans in
            loop.execute { engine.value.borrow(borrowing.lent(loans)) }
        }
    }
}
