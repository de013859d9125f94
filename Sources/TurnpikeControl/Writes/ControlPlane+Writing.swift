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
        let authority = try Authority(of: context.principal)
        let prepared = Result { () throws(TurnpikeError) in
            try PreparedWrite(command, view: view, authority: authority, intake: intake)
        }
        // What is refused here may have been done before, by the same idempotency key: then its id is gone, say. That is
        // answered as it was.
        if context.idempotencyKey == nil { _ = try prepared.get() }
        let receipt = try await commit(context, of: (try? prepared.get())?.tenant) { draft throws(TurnpikeError) in
            try prepared.get().plan(draft)
        }
        let change = receipt.changes.first
        return WriteOutcome(
            revision: receipt.revision, resource: receipt.subject, effect: change?.effect,
            secret: change?.key.flatMap { receipt.secrets[$0] }, isReplay: receipt.isReplay,
            workers: receipt.workers, gaps: receipt.gaps
        )
    }

    /// - Parameters:
    ///   - tenant: the only one that the write is about; `nil` where there is none. What a tenant's own operators write is about
    ///     that tenant anyway.
    ///   - size: how many resources the write is about, at most.
    func commit(
        _ context: WriteContext, of tenant: String? = nil, size: Int = 1,
        _ plan: @escaping @Sendable (Draft) throws(TurnpikeError) -> Resource?
    ) async throws(TurnpikeError) -> CommitReceipt {
        let authority = try Authority(of: context.principal)
        return try await commit(
            CommitRequest(
                tenant: authority.tenant ?? tenant, actor: context.principal.actor, source: context.source,
                reason: context.reason, requestID: context.requestID, isDryRun: context.isDryRun, size: size,
                idempotencyKey: context.idempotencyKey,
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
