// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// How far a revision has got: which of the workers concerned serve by it.
public struct Rollout: Sendable {
    public enum State: String, Sendable {
        /// Every worker concerned has applied it.
        case complete
        /// Some have not answered yet.
        case pending
        /// All have answered, and some refused.
        case rejected
    }

    public var revision: Revision
    /// Workers that serve by this revision or a later one.
    public var applied: [WorkerStatus]
    /// Workers that have not answered yet, those that are not connected among them.
    public var pending: [WorkerStatus]
    /// Workers that refused this revision, or a later one that contains it, and say why.
    public var rejected: [WorkerStatus]
    /// Pending workers that are worth waiting for: not those long away.
    var awaited: Set<ResourceID>

    public var state: State { !awaited.isEmpty ? .pending : !rejected.isEmpty ? .rejected : .complete }

    public var json: JSON {
        [
            "revision": .integer(revision), "state": .string(state.rawValue),
            "applied": .array(applied.map(\.json)), "pending": .array(pending.map(\.json)),
            "rejected": .array(rejected.map(\.json)),
        ]
    }
}
