// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// A write on its way into the log.
struct CommitRequest: Sendable {
    /// Whose turn it is when the write's is; `nil`: the platform's.
    var tenant: String?
    var actor: String
    /// The address that the request came from; empty where it came from none.
    var source = ""
    var reason: String
    var requestID: String
    var isDryRun = false
    /// How many resources it is about, at most.
    var size = 1
    /// Where given, the write is carried out once, however often it is asked for.
    var idempotencyKey: IdempotencyKey?
    /// Puts the write's changes into the draft and gives back the resource that it is about, if there is one.
    var plan: @Sendable (Draft) throws(TurnpikeError) -> Resource?

    /// From how many resources on a write is large, which all others notice that have to wait for it.
    static let largeSize = 100

    var isLarge: Bool { size >= Self.largeSize }
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

typealias CommitReply = Result<CommitReceipt, TurnpikeError>
