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
    /// At most so many entries are looked at where not all are asked for. Of a tenant's log, only those about the tenant are.
    public var examineLimit: Int

    /// Changes that are read at once: an entry may have 200,000, so entries alone bound nothing.
    public static let changesAtOnce = 10_000
    /// Entries that are looked at at once: of a long log very few may be what is asked for.
    public static let examinedAtOnce = 10_000

    public init(
        above: Revision = 0, below: Revision = .max, isDescending: Bool = false, tenant: String? = nil,
        kind: Kind? = nil, name: String? = nil, actor: String? = nil, from: Timestamp? = nil, to: Timestamp? = nil,
        limit: Int, changeLimit: Int = changesAtOnce, examineLimit: Int = examinedAtOnce
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
        self.examineLimit = examineLimit
    }

    /// Whether entries in between may be left out, so that a page has to look at more of them than it holds.
    public var isSelective: Bool { kind != nil || name != nil || actor != nil || from != nil || to != nil }

    /// The query for what follows a page that ended at a revision.
    public func going(on revision: Revision) -> LogQuery {
        var query = self
        if isDescending { query.below = revision } else { query.above = revision }
        return query
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
    /// The revision that the next page goes on from, which need not be the last entry's; `nil` on the last page.
    public var next: Revision?

    public init(records: [RevisionRecord], next: Revision?) {
        self.records = records
        self.next = next
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
