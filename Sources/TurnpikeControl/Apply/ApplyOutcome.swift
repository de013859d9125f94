// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// What a bundle came to.
public struct ApplyOutcome: Sendable {
    public struct Entry: Sendable {
        public var key: ResourceKey
        public var effect: Change.Effect
        /// Of an update, the fields of the document that differ, but for those that only the server writes.
        public var differences: [JSONDifference]
        /// The credential that the creation made, in plain text, the only time that it is shown.
        public var secret: String?

        public init(key: ResourceKey, effect: Change.Effect, differences: [JSONDifference] = [], secret: String?) {
            self.key = key
            self.differences = differences
            self.effect = effect
            self.secret = secret
        }
    }

    /// The bundle's revision; where nothing changed or in a dry run, the current one.
    public var revision: Revision
    /// Creations and updates in the order of kinds, tenants and names, then deletions in the opposite order.
    public var changes: [Entry]
    /// Resources of the bundle that were already as it says.
    public var unchanged: Int
    /// Whether the write was carried out before, by the same idempotency key.
    public var isReplay: Bool
    /// In a dry run, the workers that would get something else to serve by; empty otherwise.
    public var workers: [WorkerStatus]
    /// What it asks of connected workers that they cannot do.
    public var gaps: [CapabilityGap]

    public init(
        revision: Revision, changes: [Entry], unchanged: Int, isReplay: Bool = false, workers: [WorkerStatus] = [],
        gaps: [CapabilityGap] = []
    ) {
        self.gaps = gaps
        self.isReplay = isReplay
        self.workers = workers
        self.revision = revision
        self.changes = changes
        self.unchanged = unchanged
    }
}

extension ApplyOutcome {
    init(_ receipt: CommitReceipt) {
        self.init(
            revision: receipt.revision,
            changes: receipt.changes.compactMap { change in
                change.key.map { key in
                    Entry(
                        key: key, effect: change.effect, differences: change.differences, secret: receipt.secrets[key])
                }
            },
            unchanged: receipt.unchanged, isReplay: receipt.isReplay, workers: receipt.workers,
            gaps: receipt.gaps
        )
    }
}

extension Change {
    fileprivate var differences: [JSONDifference] {
        guard let before, let after else { return [] }
        return before.publicBody.differences(to: after.publicBody)
    }
}
