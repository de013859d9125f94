// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel
import TurnpikeTelemetry

extension ControlPlane {
    /// Writes one resource.
    ///
    /// Every write that changes something gets a revision of its own and is durable when this returns; one that changes
    /// nothing answers with the current revision. Concurrent writes share transactions.
    ///
    /// - Throws: `forbidden` to anybody but operators; `notFound`, `alreadyExists`, `preconditionFailed`;
    ///   `invalidResource`, `hostTaken` and `stillReferenced` with every fault at once; `overloaded`; `storageFailed`,
    ///   upon which nothing was changed.
    public func write(_ command: WriteCommand, _ context: WriteContext) async throws(TurnpikeError) -> WriteOutcome {
        try requireOperator(context.principal)
        let prepared = try PreparedWrite(command, view: view)
        let receipt = try await commit(context, prepared.plan)
        let change = receipt.changes.first
        return WriteOutcome(
            revision: receipt.revision, resource: receipt.subject, effect: change?.effect,
            secret: change?.key.flatMap { receipt.secrets[$0] }
        )
    }

    /// The log's entry of a revision.
    ///
    /// - Throws: `notFound`, `storageFailed`.
    public func record(_ revision: Revision) async throws(TurnpikeError) -> RevisionRecord {
        let record: RevisionRecord?
        do { record = try await store.records(after: revision - 1, limit: 1).first } catch { throw .storage(error) }
        guard let record, record.revision == revision else {
            throw TurnpikeError(.notFound, "There is no revision \(revision).")
        }
        return record
    }

    func commit(
        _ context: WriteContext, _ plan: @escaping @Sendable (Draft) throws(TurnpikeError) -> Resource?
    ) async throws(TurnpikeError) -> CommitReceipt {
        try await commit(
            CommitRequest(
                actor: context.principal.actor, reason: context.reason, requestID: context.requestID,
                isDryRun: context.isDryRun, plan: plan
            ))
    }

    func commit(_ request: CommitRequest) async throws(TurnpikeError) -> CommitReceipt {
        let start = ContinuousClock.now
        let receipt = try await commits.submit(request)
        metrics.writeDuration.observe(ContinuousClock.now - start)
        return receipt
    }

    func requireOperator(_ principal: Principal) throws(TurnpikeError) {
        guard case .operator = principal else { throw TurnpikeError(.forbidden, "Only operators may do this.") }
    }
}
