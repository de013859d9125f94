// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// The writes of one transaction, checked one after the other, each against the state that those before it lead to.
/// Confined to the committer.
final class CommitGroup {
    /// A reply that is kept, and the log's entry that goes with it.
    typealias KnownReply = (reply: StoredReply, record: RevisionRecord?)

    /// What a group comes to in the store.
    typealias Entries = (records: [RevisionRecord], replies: [StoredReply])

    private(set) var entries: Entries = ([], [])
    /// Whether it holds a large write, and so no other.
    private(set) var isLarge = false
    /// What the group is to the workers. Asked for once it takes no more writes, and best while it is being made durable.
    private(set) lazy var publication = Publication(of: entries.records, in: state)
    private var replies: [CommitReply] = []
    private var callers: [CheckedContinuation<CommitReply, Never>] = []
    /// Where replies to idempotency keys stand that this group is the first to meet.
    private var kept: [KeyDigest: (reply: StoredReply, place: Int)] = [:]
    /// How many replies rest upon no change of this group.
    private var repliesBeforeChanges: Int?

    private let state: Draft
    private let base: LogPosition
    /// The group whose outcome this one's state rests upon, until it is durable.
    private var previous: CommitGroup?
    private let publisher: Publisher

    /// - Parameter previous: the group that is being made durable; `nil`: the view is all there is.
    init(
        over view: SharedView, after previous: CommitGroup?, publisher: Publisher, tenantLimits: TenantLimits,
        now: Timestamp
    ) {
        base = previous?.end ?? view.logEnd
        state = Draft(over: previous?.state ?? view, revision: base.revision, now: now, tenantLimits: tenantLimits)
        self.previous = previous
        self.publisher = publisher
    }

    var count: Int { replies.count }
    var hasWork: Bool { !entries.records.isEmpty || !entries.replies.isEmpty }

    private var end: LogPosition {
        entries.records.last.map { LogPosition(revision: $0.revision, hash: $0.hash) } ?? base
    }

    /// Checks a write and takes its changes.
    func add(
        _ request: CommitRequest, known: KnownReply?, at now: Timestamp,
        for caller: CheckedContinuation<CommitReply, Never>
    ) {
        let reply = replay(of: request, known) ?? CommitReply { () throws(TurnpikeError) in try carryOut(request, now) }
        replies.append(reply)
        callers.append(caller)
        // One that came to nothing is no burden to others.
        if request.isLarge, hasWork { isLarge = true }
    }

    func compile() { _ = publication }

    private func carryOut(_ request: CommitRequest, _ now: Timestamp) throws(TurnpikeError) -> CommitReceipt {
        let current = end.revision
        let draft = Draft(over: state, revision: current + 1, now: now, tenantLimits: state.tenantLimits)
        let subject = try request.plan(draft)
        try draft.check()
        let changes = draft.changes
        let isCommitted = !changes.isEmpty && !request.isDryRun
        // A write with an idempotency key is kept though it changes nothing: the key must not serve another one.
        if isCommitted || request.idempotencyKey != nil { repliesBeforeChanges = repliesBeforeChanges ?? replies.count }
        if isCommitted {
            state.absorb(draft)
            record(changes, of: request, as: draft.revision, at: now)
        }
        let receipt = CommitReceipt(
            revision: isCommitted ? draft.revision : current, changes: changes,
            secrets: isCommitted ? draft.secrets : [:], unchanged: draft.unchanged, subject: subject,
            workers: request.isDryRun ? publisher.workers(concernedBy: draft) : [],
            gaps: changes.isEmpty ? [] : publisher.gaps(of: draft)
        )
        if !request.isDryRun, let key = request.idempotencyKey {
            let reply = receipt.reply(to: key, at: now)
            entries.replies.append(reply)
            kept[key.id] = (reply, replies.count)
        }
        return receipt
    }

    private func record(_ changes: [Change], of request: CommitRequest, as revision: Revision, at now: Timestamp) {
        var record = RevisionRecord(
            revision: revision, at: now, actor: request.actor, source: request.source, reason: request.reason,
            requestID: request.requestID, changes: changes
        )
        record.seal(after: end.hash)
        entries.records.append(record)
    }

    /// What was answered to the request before: in the past, by the group that is being made durable, or by this one.
    /// `nil` where nothing was.
    private func replay(of request: CommitRequest, _ known: KnownReply?) -> CommitReply? {
        guard let key = request.idempotencyKey else { return nil }
        if let known {
            return CommitReply { () throws(TurnpikeError) in
                try CommitReceipt(replaying: known.reply, known.record, to: key)
            }
        }
        return replay(to: key) ?? previous?.replay(to: key)
    }

    private func replay(to key: IdempotencyKey) -> CommitReply? {
        guard let (reply, place) = kept[key.id] else { return nil }
        guard reply.fingerprint == key.fingerprint else { return .failure(.idempotencyKeyReused) }
        return replies[place].map { receipt in
            var receipt = receipt
            receipt.isReplay = true
            return receipt
        }
    }

    // MARK: Once the outcome is known

    /// The group before is durable and in the view, which this one rests upon from now on.
    func rest(on view: SharedView) {
        previous = nil
        state.rest(on: view)
    }

    /// What the group came to is durable, or there was nothing to make so.
    func answer() {
        for (caller, reply) in zip(callers, replies) { caller.resume(returning: reply) }
    }

    /// The transaction failed, or the one before it: whatever was judged by a state that never came to be is void.
    func fail(_ error: TurnpikeError) {
        let valid = previous == nil ? repliesBeforeChanges ?? replies.count : 0
        for (place, caller) in callers.enumerated() {
            caller.resume(returning: place < valid ? replies[place] : .failure(error))
        }
    }
}
