// SPDX-License-Identifier: Apache-2.0

import TurnpikeMetering
import TurnpikeModel
import TurnpikeProxy
import TurnpikeSnapshot

/// An epoch's totals on their way to the control plane, one batch at a time.
protocol UsageSource: Sendable {
    var epoch: Epoch { get }
    /// A batch with fewer entries leaves nothing behind.
    var entriesPerBatch: Int { get }
    /// The next batch; while one awaits its receipt, that one again. `nil` where there is nothing to send.
    ///
    /// - Parameter isClosing: whether nothing is recorded any more, so that the last batch is to end the epoch.
    func nextBatch(isClosing: Bool) async throws -> UsageBatch?
    func release(_ receipt: UsageReceipt) async throws
    /// Removes what the control plane has all of.
    func discard() async throws
}

/// The journal of one loop of this boot, reached from outside of it.
struct LiveEpoch: UsageSource {
    let epoch: Epoch
    let entriesPerBatch: Int
    private let directory: JournalDirectory
    private let journal: LoopBound<UsageJournal>
    private let now: @Sendable () -> Timestamp

    /// Call on the journal's loop.
    init(_ journal: UsageJournal, on loop: any GatewayLoop, now: @escaping @Sendable () -> Timestamp) {
        epoch = journal.epoch
        entriesPerBatch = journal.limits.entriesPerBatch
        directory = journal.directory
        self.journal = LoopBound(journal, on: loop)
        self.now = now
    }

    func nextBatch(isClosing: Bool) async throws -> UsageBatch? {
        try await withJournal { $0.nextBatch(isClosing: isClosing) }
    }

    func release(_ receipt: UsageReceipt) async throws {
        try await withJournal { [now] in $0.release(receipt, now: now()) }
    }

    func discard() throws { try directory.remove(epoch) }

    /// Runs `body` where the journal lives.
    func withJournal<Result: Sendable>(_ body: @escaping @Sendable (UsageJournal) -> Result) async throws -> Result {
        try await journal.loop.submit { [journal] in body(journal.value) }
    }
}
