// SPDX-License-Identifier: Apache-2.0

import Logging
import TurnpikeModel
import TurnpikeTelemetry

/// A write on its way into the log.
struct CommitRequest: Sendable {
    var actor: String
    /// The address that the request came from; empty where it came from none.
    var source = ""
    var reason: String
    var requestID: String
    var isDryRun = false
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
}

/// Turns writes into the log, in groups: the writes that come while one group is being made durable share the next
/// transaction. Each is checked against the state that those before it lead to, fails alone, and gets a revision of its
/// own. Readers, streams and callers learn of a group once it is durable.
final class Committer: Sendable {
    private let view: SharedView
    private let publisher: Publisher
    private let store: any Store
    private let clock: any WallClock
    private let logger: Logger
    private let metrics: ControlMetrics

    init(
        view: SharedView, publisher: Publisher, store: any Store, clock: any WallClock, logger: Logger,
        metrics: ControlMetrics
    ) {
        self.view = view
        self.publisher = publisher
        self.store = store
        self.clock = clock
        self.logger = logger
        self.metrics = metrics
    }

    /// Commits writes in one transaction and publishes them.
    ///
    /// - Returns: one reply for each, in order.
    func commit(_ requests: [CommitRequest]) async -> [Result<CommitReceipt, TurnpikeError>] {
        var group = CommitGroup(over: view, now: clock.now)
        for request in requests { group.add(request) }
        guard !group.records.isEmpty else { return group.replies }
        do { try await store.commit(group.records) } catch {
            logger.error("A commit failed", metadata: [LogKey.error: "\(error)", LogKey.count: "\(requests.count)"])
            return group.replies(storageFailed: .storage(error))
        }
        metrics.batchSize.observe(Double(group.records.count))
        view.apply(group.records)
        publisher.publish(group.records)
        return group.replies
    }
}

/// The writes of one transaction, checked one after the other.
private struct CommitGroup {
    private(set) var records: [RevisionRecord] = []
    private(set) var replies: [Result<CommitReceipt, TurnpikeError>] = []
    private let base: Revision
    private let state: Draft
    private let now: Timestamp
    /// How many replies were given on durable state alone.
    private var durableReplies: Int?

    init(over view: SharedView, now: Timestamp) {
        base = view.revision
        state = Draft(over: view, revision: base, now: now)
        self.now = now
    }

    mutating func add(_ request: CommitRequest) {
        let current = base + Int64(records.count)
        let draft = Draft(over: state, revision: current + 1, now: now)
        do throws(TurnpikeError) {
            let subject = try request.plan(draft)
            try draft.check()
            let changes = draft.changes
            let isCommitted = !changes.isEmpty && !request.isDryRun
            if isCommitted {
                durableReplies = durableReplies ?? replies.count
                state.absorb(draft)
                records.append(
                    RevisionRecord(
                        revision: draft.revision, at: now, actor: request.actor, source: request.source,
                        reason: request.reason,
                        requestID: request.requestID, changes: changes
                    ))
            }
            replies.append(
                .success(
                    CommitReceipt(
                        revision: isCommitted ? draft.revision : current, changes: changes,
                        secrets: isCommitted ? draft.secrets : [:], unchanged: draft.unchanged, subject: subject
                    )))
        } catch {
            replies.append(.failure(error))
        }
    }

    /// The replies where the transaction failed: whatever was judged by a state that never came to be is void.
    func replies(storageFailed error: TurnpikeError) -> [Result<CommitReceipt, TurnpikeError>] {
        let valid = durableReplies ?? replies.count
        return replies.prefix(valid) + replies.dropFirst(valid).map { _ in .failure(error) }
    }
}
