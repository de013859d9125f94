// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeControl
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

/// A store that fails, or waits, where a test says so.
final class HookedStore: Store {
    struct Failure: Error {}

    let base = InMemoryStore()
    private let hook = Mutex<(@Sendable () async throws -> Void)?>(nil)
    private let maintenance = Mutex<(@Sendable () async throws -> Void)?>(nil)
    private let loading = Mutex<(@Sendable () async throws -> Void)?>(nil)
    private let transactions = Mutex(0)
    private let held = Mutex<[@Sendable () -> Void]?>(nil)
    private let isReadingRefused = Mutex(false)
    private let examineLimit = Mutex<Int?>(nil)

    /// What every write does first; one that throws fails.
    func beforeWriting(_ hook: (@Sendable () async throws -> Void)?) { self.hook.withLock { $0 = hook } }

    func failWriting() { beforeWriting { throw Failure() } }

    /// Holds back all commits from now on, until each is released.
    func holdCommits() { held.withLock { $0 = [] } }

    var heldCommits: Int { held.withLock { $0?.count ?? 0 } }

    /// Carries out the first of the commits that are held back, on the caller's thread.
    func releaseCommit() { held.withLock { $0?.isEmpty == false ? $0?.removeFirst() : nil }?() }

    /// Lets no reply be read, or lets them be read again.
    func refuseReading(_ isRefused: Bool) { isReadingRefused.withLock { $0 = isRefused } }

    /// Looks at so few entries of the log for a page.
    func examine(atOnce entries: Int) { examineLimit.withLock { $0 = entries } }

    /// What maintenance does before it writes; where it throws, that fails.
    func beforeMaintaining(_ hook: (@Sendable () async throws -> Void)?) { maintenance.withLock { $0 = hook } }

    /// What a start does before it is given resources.
    func beforeLoading(_ hook: (@Sendable () async throws -> Void)?) { loading.withLock { $0 = hook } }

    /// How many write transactions there were.
    var writeCount: Int { transactions.withLock(\.self) }

    private func enter() async throws {
        try await hook.withLock(\.self)?()
        transactions.withLock { $0 += 1 }
    }

    func resourceCount() async throws -> Int { try await base.resourceCount() }
    func forEachResource(_ each: (Resource) throws -> Void) async throws {
        try await loading.withLock(\.self)?()
        try await base.forEachResource(each)
    }
    func logEnd() async throws -> LogPosition { try await base.logEnd() }
    func logStart() async throws -> LogPosition { try await base.logStart() }

    func commit(
        _ records: [RevisionRecord], replies: [StoredReply],
        done: @escaping @Sendable (Result<Void, any Error>) -> Void
    ) {
        let isHeld = held.withLock { held in
            held?.append { self.base.commit(records, replies: replies, done: done) }
            return held != nil
        }
        if isHeld { return }
        Task {
            do { try await enter() } catch { return done(.failure(error)) }
            base.commit(records, replies: replies, done: done)
        }
    }

    func records(_ query: LogQuery) async throws -> LogPage {
        var query = query
        if let limit = examineLimit.withLock(\.self) { query.examineLimit = limit }
        return try await base.records(query)
    }
    func revision(before changes: Int) async throws -> Revision { try await base.revision(before: changes) }
    func forgetRecords(before: Timestamp) async throws -> Int { try await base.forgetRecords(before: before) }
    func tryWriting() async throws { try await enter() }

    func replies(_ ids: [KeyDigest]) async throws -> [KeyDigest: StoredReply] {
        if isReadingRefused.withLock(\.self) { throw Failure() }
        return try await base.replies(ids)
    }

    func forgetReplies(before: Timestamp) async throws {
        try await maintenance.withLock(\.self)?()
        try await base.forgetReplies(before: before)
    }

    func noteUse(_ uses: [ResourceID: Timestamp]) async throws {
        try await maintenance.withLock(\.self)?()
        try await base.noteUse(uses)
    }

    func uses() async throws -> [ResourceID: Timestamp] { try await base.uses() }

    func noteSightings(_ sightings: [ResourceID: WorkerSighting]) async throws {
        try await maintenance.withLock(\.self)?()
        try await base.noteSightings(sightings)
    }

    func sightings() async throws -> [ResourceID: WorkerSighting] { try await base.sightings() }

    func takeUsage(_ batches: [(worker: ResourceID, batch: UsageBatch)]) async throws -> [TakenUsage] {
        try await enter()
        return try await base.takeUsage(batches)
    }

    func usage(_ query: UsageQuery) async throws -> [UsageRow] { try await base.usage(query) }
    func committed(_ key: LeaseKey) async throws -> Int64 { try await base.committed(key) }

    func leaseTotals(worker: ResourceID, epoch: Epoch, key: LeaseKey) async throws -> LeaseTotals {
        try await base.leaseTotals(worker: worker, epoch: epoch, key: key)
    }

    func grant(_ grants: [(worker: ResourceID, epoch: Epoch, key: LeaseKey, granted: Int64)]) async throws {
        try await enter()
        try await base.grant(grants)
    }
}

/// A gate at which tasks wait until it opens.
final class Gate: Sendable {
    private let state = Mutex<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

    func pass() async {
        await withCheckedContinuation { caller in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(caller) }
                return state.isOpen
            }
            if isOpen { caller.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for caller in waiting { caller.resume() }
    }
}
