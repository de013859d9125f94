// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// Which entries of the log, and in which order.
public struct LogQuery: Sendable {
    /// Entries above this revision.
    public var above: Revision
    /// Entries below this revision.
    public var below: Revision
    /// Newest first.
    public var isDescending: Bool
    /// Entries with a change about this tenant, and of those only these changes.
    public var tenant: String?
    /// Entries with a change of this kind, and of those only these changes.
    public var kind: Kind?
    /// Entries with a change of a resource of this name, and of those only these changes.
    public var name: String?
    public var actor: String?
    /// Entries not before this time, and before that one.
    public var from: Timestamp?
    public var to: Timestamp?
    /// At most so many entries.
    public var limit: Int
    /// At most so many changes, all entries together; but one entry, however large, comes whole.
    public var changeLimit: Int

    /// Changes that are read at once: an entry may have 200,000, so entries alone bound nothing.
    public static let changesAtOnce = 10_000

    public init(
        above: Revision = 0, below: Revision = .max, isDescending: Bool = false, tenant: String? = nil,
        kind: Kind? = nil, name: String? = nil, actor: String? = nil, from: Timestamp? = nil, to: Timestamp? = nil,
        limit: Int, changeLimit: Int = changesAtOnce
    ) {
        self.above = above
        self.below = below
        self.isDescending = isDescending
        self.tenant = tenant
        self.kind = kind
        self.name = name
        self.actor = actor
        self.from = from
        self.to = to
        self.limit = limit
        self.changeLimit = changeLimit
    }

    /// Whether a change is among those asked for.
    public func matches(_ change: Change) -> Bool {
        (tenant == nil || change.tenant == tenant) && (kind == nil || change.key?.kind == kind)
            && (name == nil || change.key?.name == name)
    }
}

/// A stretch of the log.
public struct LogPage: Sendable {
    public var records: [RevisionRecord]
    /// Whether entries that were asked for come after these.
    public var hasMore: Bool

    public init(records: [RevisionRecord], hasMore: Bool) {
        self.records = records
        self.hasMore = hasMore
    }
}

/// A point in the log, and the hash that its chain has there.
public struct LogPosition: Sendable, Hashable {
    public var revision: Revision
    public var hash: String

    public init(revision: Revision, hash: String) {
        self.revision = revision
        self.hash = hash
    }

    /// Before the first entry.
    public static let start = LogPosition(revision: 0, hash: LogChain.start)
}
