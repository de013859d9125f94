// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry

/// Turns writes into the log, in groups of one transaction each: while one group is being made durable, the writes that
/// come are checked and gathered in the next, upon the state that the first will lead to. Each fails alone, and gets a
/// revision of its own. Readers, streams and callers learn of a group once it is durable. Tenants have their turns, so that
/// one that writes very much keeps no other waiting for all of it.
///
/// A large write, of a hundred resources and more, has a group of its own, and is not checked while another one is being stored: so
/// a small one waits for one of them at most, and large ones, of which each lets the small ones go first that have come
/// meanwhile, wait for no more than a group of those.
///
/// One task does the checking and publishing, the store beside it the storing; so each has a processor of its own, and
/// the disk is never waited for by those who have work. The task lives while there is work: a caller that is cancelled
/// does not take the others' work down with it, and its own is finished all the same.
final class Committer: Sendable {
    /// Writes of one tenant that may wait, where nobody else's do; beyond, callers are refused with `overloaded`.
    private static let capacity = 8192
    /// Writes of one transaction.
    private static let groupLimit = 512
    /// Writes that are taken at once, so that what has been stored is noticed between.
    private static let stretch = 16

    private typealias Line = WaitingLine<CommitRequest, CommitReceipt>

    private struct State {
        var waiting = Line(capacity: Committer.capacity)
        var waitingLarge = Line(capacity: Committer.capacity)
        /// Whether the last write that was taken was a large one.
        var wasLastLarge = false
        /// Writes in the group that is being filled.
        var gathered = 0
        /// What became of groups that were being made durable, in their order: two at most.
        var outcomes: [Outcome] = []
        var work: Task<Void, Never>?
        /// The work, where it waits for something to do.
        var sleeper: CheckedContinuation<Void, Never>?
        /// What is gathered meanwhile: whoever has stored the group before goes on with it, and need not wake the work first.
        var next: CommitGroup.Entries?

        mutating func takeSleeper() -> CheckedContinuation<Void, Never>? {
            defer { (sleeper, next) = (nil, nil) }
            return sleeper
        }

        /// How much of which line the open group is to take next.
        func due(for open: CommitGroup, beside storing: CommitGroup?) -> (isLarge: Bool, count: Int) {
            guard !open.isLarge else { return (false, 0) }
            let canTakeLarge = gathered == 0 && storing?.isLarge != true && !waitingLarge.isEmpty
            if canTakeLarge, waiting.isEmpty || !wasLastLarge { return (true, 1) }
            return (false, min(waiting.count, Committer.stretch, Committer.groupLimit - gathered))
        }

        mutating func take(for open: CommitGroup, beside storing: CommitGroup?) -> [Line.Entry] {
            let (isLarge, count) = due(for: open, beside: storing)
            guard count > 0 else { return [] }
            gathered += count
            wasLastLarge = isLarge
            return isLarge ? waitingLarge.take(atMost: count) : waiting.take(atMost: count)
        }
    }

    private struct Outcome {
        var result: Result<Void, any Error>
        /// Whether the next group, as it is, is being stored already.
        var hasNextBegun: Bool
    }

    private enum Event {
        case submitted([Line.Entry])
        case stored(Outcome)
    }

    private let state = Mutex(State())
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

    /// Waits until the write is durable and published.
    ///
    /// - Throws: what the write's own plan and the checks say; `storageFailed`; `overloaded` where too many wait;
    ///   `draining` after `close()`.
    func submit(_ request: CommitRequest) async throws(TurnpikeError) -> CommitReceipt {
        let reply = await withCheckedContinuation { caller in
            if let refusal = enqueue((request, caller)) { caller.resume(returning: .failure(refusal)) }
        }
        return try reply.get()
    }

    /// Writes that are not being made durable yet.
    var waitingCount: Int { state.withLock { $0.waiting.count + $0.waitingLarge.count + $0.gathered } }
    /// Of them those that are checked already.
    var gatheredCount: Int { state.withLock(\.gathered) }
    /// Whether there is nothing to check or publish now, though something may be on its way to the disk.
    var isAsleep: Bool { state.withLock { $0.sleeper != nil } }
    var isClosed: Bool { state.withLock(\.waiting.isClosed) }

    /// Takes no more, and returns once what was taken is done.
    func close() async {
        let work = state.withLock { state in
            state.waiting.close()
            state.waitingLarge.close()
            return state.work
        }
        await work?.value
    }

    private func enqueue(_ entry: Line.Entry) -> TurnpikeError? {
        let (refusal, sleeper) = state.withLock { state -> (TurnpikeError?, CheckedContinuation<Void, Never>?) in
            let refusal =
                entry.item.isLarge
                ? state.waitingLarge.add(entry, of: entry.item.tenant) : state.waiting.add(entry, of: entry.item.tenant)
            if let refusal { return (refusal, nil) }
            if state.work == nil { state.work = Task { await self.workOff() } }
            return (nil, state.takeSleeper())
        }
        sleeper?.resume()
        return refusal
    }

    // MARK: The work

    private func workOff() async {
        var storing: CommitGroup?
        var open = openGroup(after: nil)
        while let event = await nextEvent(open, beside: storing) {
            switch event {
            case .submitted(let submissions): await add(submissions, to: open)
            case .stored(let outcome):
                guard let stored = storing.take() else { break }
                do { try outcome.result.get() } catch {
                    fail([stored, open], error)
                    open = openGroup(after: nil)
                    break
                }
                health.note(.log, failure: nil)
                // Stored before the last group is published: the disk is the one that others wait for.
                if outcome.hasNextBegun {
                    close(&open, as: &storing)
                } else if open.hasWork {
                    start(&open, as: &storing)
                }
                publish(stored)
                (storing ?? open).rest(on: view)
                storing?.compile()
            }
            guard storing == nil else { continue }
            if open.hasWork {
                start(&open, as: &storing)
                storing?.compile()
            } else {
                open.answer()
                open = openGroup(after: nil)
            }
        }
    }

    /// What is to be done next; `nil` where nothing is left to do, with which the work has ended.
    private func nextEvent(_ open: CommitGroup, beside storing: CommitGroup?) async -> Event? {
        while true {
            let (event, isDone) = state.withLock { state -> (Event?, Bool) in
                if !state.outcomes.isEmpty { return (.stored(state.outcomes.removeFirst()), false) }
                let taken = state.take(for: open, beside: storing)
                if !taken.isEmpty { return (.submitted(taken), false) }
                if storing == nil { state.work = nil }
                return (nil, storing == nil)
            }
            if event != nil || isDone { return event }
            await withCheckedContinuation { sleeper in
                let isNeeded = state.withLock { state in
                    let isNeeded = !state.outcomes.isEmpty || state.due(for: open, beside: storing).count > 0
                    if !isNeeded { (state.sleeper, state.next) = (sleeper, open.hasWork ? open.entries : nil) }
                    return isNeeded
                }
                if isNeeded { sleeper.resume() }
            }
        }
    }

    private func openGroup(after previous: CommitGroup?) -> CommitGroup {
        state.withLock { $0.gathered = 0 }
        return CommitGroup(
            over: view, after: previous, publisher: publisher, tenantLimits: tenantLimits, now: clock.now)
    }

    private func add(_ submissions: [Line.Entry], to group: CommitGroup) async {
        let known: [KeyDigest: CommitGroup.KnownReply]
        do { known = try await knownReplies(to: submissions.compactMap(\.item.idempotencyKey)) } catch {
            note(error, "Replies cannot be read", count: submissions.count)
            for submission in submissions { submission.caller.resume(returning: .failure(.storage(error))) }
            return
        }
        let now = clock.now
        for (request, caller) in submissions {
            group.add(request, known: request.idempotencyKey.flatMap { known[$0.id] }, at: now, for: caller)
        }
    }

    private func knownReplies(to keys: [IdempotencyKey]) async throws -> [KeyDigest: CommitGroup.KnownReply] {
        guard !keys.isEmpty else { return [:] }
        var known: [KeyDigest: CommitGroup.KnownReply] = [:]
        for (id, reply) in try await store.replies(keys.map(\.id)) {
            let record = try await store.records(after: reply.revision - 1, limit: 1).first
            known[id] = (reply, record?.revision == reply.revision ? record : nil)
        }
        return known
    }

    /// Has the group made durable, and begins the next one upon it.
    private func start(_ open: inout CommitGroup, as storing: inout CommitGroup?) {
        let entries = open.entries
        close(&open, as: &storing)
        store(entries)
    }

    /// Takes no more into the group, which is being stored, and begins the next one upon it.
    private func close(_ open: inout CommitGroup, as storing: inout CommitGroup?) {
        storing = open
        open = openGroup(after: open)
    }

    private func store(_ entries: CommitGroup.Entries) {
        store.commit(entries.records, replies: entries.replies) { result in
            let (next, sleeper) = self.state.withLock { state in
                // What was judged by a state that never came to be must not be stored.
                let next = (try? result.get()).flatMap { state.next }
                state.outcomes.append(Outcome(result: result, hasNextBegun: next != nil))
                return (next, state.takeSleeper())
            }
            if let next { self.store(next) }
            sleeper?.resume()
        }
    }

    private func publish(_ group: CommitGroup) {
        let records = group.entries.records
        if !records.isEmpty {
            metrics.batchSize.observe(Double(records.count))
            view.apply(records)
            publisher.publish(records, as: group.publication)
        }
        group.answer()
        if records.reduce(0, { $0 + $1.changes.count }) > Allocator.largeWork { Allocator.trim() }
    }

    private func fail(_ groups: [CommitGroup], _ error: any Error) {
        metrics.commitFailures.increment()
        note(error, "A commit failed", count: groups.reduce(0) { $0 + $1.count })
        for group in groups { group.fail(.storage(error)) }
    }

    private func note(_ error: any Error, _ message: Logger.Message, count: Int) {
        health.note(.log, failure: TurnpikeError.storage(error).detail)
        logger.error(message, metadata: [LogKey.error: "\(error)", LogKey.count: "\(count)"])
    }
}
