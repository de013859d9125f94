// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel
import TurnpikeTelemetry

extension ControlPlane {
    /// Writes one resource.
    ///
    /// Every write that changes something gets a revision of its own and is durable when this returns; one that changes
    /// nothing answers with the current revision. Concurrent writes share transactions.
    ///
    /// - Throws: `forbidden` to those whose authority does not reach so far; `notFound`, `alreadyExists`, `preconditionFailed`;
    ///   `invalidResource`, `hostTaken` and `stillReferenced` with every fault at once; `overloaded`; `storageFailed`,
    ///   upon which nothing was changed.
    public func write(_ command: WriteCommand, _ context: WriteContext) async throws(TurnpikeError) -> WriteOutcome {
        let prepared = try PreparedWrite(command, view: view, authority: try Authority(of: context.principal))
        let receipt = try await commit(context, prepared.plan)
        let change = receipt.changes.first
        return WriteOutcome(
            revision: receipt.revision, resource: receipt.subject, effect: change?.effect,
            secret: change?.key.flatMap { receipt.secrets[$0] }
        )
    }

    /// The log's entry of a revision.
    ///
    /// - Returns: the entry with those of its changes that are in sight.
    /// - Throws: `notFound`, also where nothing of it is in sight; `storageFailed`.
    public func record(
        _ revision: Revision, for authority: Authority
    ) async throws(TurnpikeError) -> RevisionRecord {
        let record: RevisionRecord?
        do { record = try await store.records(after: revision - 1, limit: 1).first } catch { throw .storage(error) }
        guard var record, record.revision == revision, record.changes.contains(where: authority.sees) else {
            throw TurnpikeError(.notFound, "There is no revision \(revision).")
        }
        record.changes.removeAll { !authority.sees($0) }
        return record
    }

    func commit(
        _ context: WriteContext, _ plan: @escaping @Sendable (Draft) throws(TurnpikeError) -> Resource?
    ) async throws(TurnpikeError) -> CommitReceipt {
        let authority = try Authority(of: context.principal)
        return try await commit(
            CommitRequest(
                actor: context.principal.actor, source: context.source, reason: context.reason,
                requestID: context.requestID, isDryRun: context.isDryRun,
                plan: { draft throws(TurnpikeError) in
                    let subject = try plan(draft)
                    try authority.check(draft)
                    return subject
                }
            ))
    }

    func commit(_ request: CommitRequest) async throws(TurnpikeError) -> CommitReceipt {
        let start = ContinuousClock.now
        let receipt = try await commits.submit(request)
        metrics.writeDuration.observe(ContinuousClock.now - start)
        return receipt
    }
}
