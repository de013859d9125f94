// SPDX-License-Identifier: Apache-2.0

import Logging
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry

/// A write on its way into the log.
struct CommitRequest: Sendable {
    var actor: String
    /// The address that the request came from; empty where it came from none.
    var source = ""
    var reason: String
    var requestID: String
    var isDryRun = false
    /// Where given, the write is carried out once, however often it is asked for.
    var idempotencyKey: IdempotencyKey?
    /// Puts the write's changes into the draft and gives back the resource that it is about, if there is one.
    var plan: @Sendable (Draft) throws(TurnpikeError) -> Resource?
}

/// What became of it.
struct CommitReceipt: Sendable {
    /// The write's revision; the current one where it changed nothing or was a dry run.
    var revision: Revision
    var changes: [Change]
    var secrets: [ResourceKey: String]
    var unchanged: Int
    var subject: Resource?
    /// Whether the write was carried out before, and this is what was answered then.
    var isReplay = false
    /// The workers that the write concerns; told of dry runs.
    var workers: [WorkerStatus] = []
    /// What it asks of connected workers that they cannot do.
    var gaps: [CapabilityGap] = []
}

/// Turns writes into the log, in groups: the writes that come while one group is being made durable share the next
/// transaction. Each is checked against the state that those before it lead to, fails alone, and gets a revision of its
/// own. Readers, streams and callers learn of a group once it is durable.
final class Committer: Sendable {
    private let view: SharedView
    private let publisher: Publisher
    private let store: any Store
    private let clock: any WallClock
    private let health: Health
    private let tenantLimits: TenantLimits
    private let logger: Logger
    private let metrics: ControlMetrics

    init(
        view: SharedView, publisher: Publisher, store: any Store, clock: any WallClock, health: Health,
        tenantLimits: TenantLimits, logger: Logger, metrics: ControlMetrics
    ) {
        self.view = view
        self.publisher = publisher
        self.store = store
        self.clock = clock
        self.health = health
        self.tenantLimits = tenantLimits
        self.logger = logger
        self.metrics = metrics
    }

    /// Commits writes in one transaction and publishes them.
    ///
    /// - Returns: one reply for each, in order.
    func commit(_ requests: [CommitRequest]) async -> [Result<CommitReceipt, TurnpikeError>] {
        let known: [KeyDigest: KnownReply]
        do { known = try await knownReplies(to: requests) } catch {
            health.note(.log, failure: TurnpikeError.storage(error).detail)
            logger.error("Replies cannot be read", metadata: [LogKey.error: "\(error)"])
            return requests.map { _ in .failure(.storage(error)) }
        }
        var group = CommitGroup(
            over: view, publisher: publisher, tenantLimits: tenantLimits, known: known, now: clock.now)
        for request in requests { group.add(request) }
        guard !group.records.isEmpty || !group.repliesToKeep.isEmpty else { return group.replies }
        do { try await store.commit(group.records, replies: group.repliesToKeep) } catch {
            metrics.commitFailures.increment()
            health.note(.log, failure: TurnpikeError.storage(error).detail)
            logger.error("A commit failed", metadata: [LogKey.error: "\(error)", LogKey.count: "\(requests.count)"])
            return group.replies(storageFailed: .storage(error))
        }
        health.note(.log, failure: nil)
        guard !group.records.isEmpty else { return group.replies }
        metrics.batchSize.observe(Double(group.records.count))
        view.apply(group.records)
        publisher.publish(group.records)
        if group.records.reduce(0, { $0 + $1.changes.count }) > Allocator.largeWork { Allocator.trim() }
        return group.replies
    }

    private func knownReplies(to requests: [CommitRequest]) async throws -> [KeyDigest: KnownReply] {
        let ids = requests.compactMap(\.idempotencyKey?.id)
        guard !ids.isEmpty else { return [:] }
        var known: [KeyDigest: KnownReply] = [:]
        for (id, reply) in try await store.replies(ids) {
            let record = try await store.records(after: reply.revision - 1, limit: 1).first
            known[id] = (reply, record?.revision == reply.revision ? record : nil)
        }
        return known
    }
}

/// A reply that is kept, and the log's entry that goes with it.
private typealias KnownReply = (reply: StoredReply, record: RevisionRecord?)

/// The writes of one transaction, checked one after the other.
private struct CommitGroup {
    private(set) var records: [RevisionRecord] = []
    private(set) var replies: [Result<CommitReceipt, TurnpikeError>] = []
    private(set) var repliesToKeep: [StoredReply] = []
    private let base: LogPosition
    private let state: Draft
    private let publisher: Publisher
    private let known: [KeyDigest: KnownReply]
    private let now: Timestamp
    /// How many replies were given on durable state alone.
    private var durableReplies: Int?
    /// Where the replies to idempotency keys stand that this group is the first to meet.
    private var kept: [KeyDigest: Int] = [:]

    init(
        over view: SharedView, publisher: Publisher, tenantLimits: TenantLimits, known: [KeyDigest: KnownReply],
        now: Timestamp
    ) {
        base = view.logEnd
        state = Draft(over: view, revision: base.revision, now: now, tenantLimits: tenantLimits)
        self.publisher = publisher
        self.known = known
        self.now = now
    }

    mutating func add(_ request: CommitRequest) {
        if let key = request.idempotencyKey, let replay = replay(to: key) { return replies.append(replay) }
        let current = base.revision + Int64(records.count)
        let draft = Draft(over: state, revision: current + 1, now: now, tenantLimits: state.tenantLimits)
        do throws(TurnpikeError) {
            let subject = try request.plan(draft)
            try draft.check()
            let changes = draft.changes
            let isCommitted = !changes.isEmpty && !request.isDryRun
            // A write with an idempotency key is kept though it changes nothing: the key must not serve another one.
            if isCommitted || request.idempotencyKey != nil { durableReplies = durableReplies ?? replies.count }
            if isCommitted {
                state.absorb(draft)
                record(changes, of: request, as: draft.revision)
            }
            let receipt = CommitReceipt(
                revision: isCommitted ? draft.revision : current, changes: changes,
                secrets: isCommitted ? draft.secrets : [:], unchanged: draft.unchanged, subject: subject,
                workers: request.isDryRun ? publisher.workers(concernedBy: draft) : [],
                gaps: changes.isEmpty ? [] : publisher.gaps(of: draft)
            )
            if !request.isDryRun, let key = request.idempotencyKey { keep(receipt, for: key) }
            replies.append(.success(receipt))
        } catch {
            replies.append(.failure(error))
        }
    }

    private mutating func record(_ changes: [Change], of request: CommitRequest, as revision: Revision) {
        var record = RevisionRecord(
            revision: revision, at: now, actor: request.actor, source: request.source, reason: request.reason,
            requestID: request.requestID, changes: changes
        )
        record.seal(after: records.last?.hash ?? base.hash)
        records.append(record)
    }

    private mutating func keep(_ receipt: CommitReceipt, for key: IdempotencyKey) {
        repliesToKeep.append(receipt.reply(to: key, at: now))
        kept[key.id] = replies.count
    }

    /// The reply that was given before, by an earlier group or within this one; `nil` where there was none.
    private func replay(to key: IdempotencyKey) -> Result<CommitReceipt, TurnpikeError>? {
        if let known = known[key.id] {
            return Result { () throws(TurnpikeError) in
                try CommitReceipt(replaying: known.reply, known.record, to: key)
            }
        }
        guard let place = kept[key.id], let reply = repliesToKeep.first(where: { $0.id == key.id }) else { return nil }
        guard reply.fingerprint == key.fingerprint else { return .failure(.idempotencyKeyReused) }
        return replies[place].map { receipt in
            var receipt = receipt
            receipt.isReplay = true
            return receipt
        }
    }

    /// The replies where the transaction failed: whatever was judged by a state that never came to be is void.
    func replies(storageFailed error: TurnpikeError) -> [Result<CommitReceipt, TurnpikeError>] {
        let valid = durableReplies ?? replies.count
        return replies.prefix(valid) + replies.dropFirst(valid).map { _ in .failure(error) }
    }
}
