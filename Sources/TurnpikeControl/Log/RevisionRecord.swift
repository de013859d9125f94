// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// One entry of the log: what a committed write transaction changed, who did it and why.
public struct RevisionRecord: Sendable {
    public var revision: Revision
    public var at: Timestamp
    /// `operator:ops`, `worker:gw-1`, `system`.
    public var actor: String
    /// The address that the request came from; empty where it came from none.
    public var source: String
    /// What the client gave in `X-Turnpike-Reason`; empty where it gave none.
    public var reason: String
    public var requestID: String
    /// Each key at most once; none only where the log speaks of itself, as after a restore.
    public var changes: [Change]
    /// The hash of the entry before this one, and of this one: see ``LogChain``. Empty until the entry is sealed.
    public var previousHash = ""
    public var hash = ""

    public init(
        revision: Revision, at: Timestamp, actor: String, source: String = "", reason: String, requestID: String,
        changes: [Change]
    ) {
        self.revision = revision
        self.at = at
        self.actor = actor
        self.source = source
        self.reason = reason
        self.requestID = requestID
        self.changes = changes
    }
}

/// One resource's change, from what to what.
public struct Change: Sendable {
    public var before: Resource? { didSet { knownPlace = nil } }
    public var after: Resource? { didSet { knownPlace = nil } }
    /// The documents as they are stored, made once when the entry is sealed; `nil` where there is none, or not yet.
    public private(set) var beforeDocument: String?
    public private(set) var afterDocument: String?
    /// The SHA-256 of the stored documents, as hexadecimal digits; `nil` where there is none, or not yet.
    public var beforeDigest: String?
    public var afterDigest: String?

    public enum Effect: String, Sendable { case created, updated, deleted }

    /// The document of what comes after but for when it is written; `nil` where nobody has made it.
    private var afterDraft: StoredDraft?
    /// `nil` where nobody has looked.
    private var knownPlace: Bool?

    public var effect: Effect { before == nil ? .created : after == nil ? .deleted : .updated }

    /// The tenant that it is about: that of the resource, the resource itself, or the one that an operator is bound to.
    public var tenant: String? {
        guard let resource = after ?? before else { return nil }
        return switch resource.key.kind {
        case .tenant: resource.key.name
        case .operator: (resource.spec as? Operator)?.tenant
        default: resource.key.tenant
        }
    }

    /// `nil` only for a change of nothing to nothing, which the log never holds.
    public var key: ResourceKey? { (after ?? before)?.key }

    public init(before: Resource?, after: Resource?) {
        self.init(before: before, after: after, keepsPlace: nil)
    }

    /// - Parameter keepsPlace: `nil` where nobody has looked.
    init(before: Resource?, after: Resource?, keepsPlace: Bool?) {
        self.before = before
        self.after = after
        knownPlace = keepsPlace
    }

    /// An update that was prepared.
    ///
    /// - Parameter after: what it leads to, with revision and time.
    init(_ prepared: PreparedUpdate, after: Resource) {
        self.init(before: prepared.before, after: after, keepsPlace: prepared.keepsPlace)
        (beforeDocument, beforeDigest) = (prepared.beforeDocument, prepared.beforeDigest)
        afterDraft = prepared.afterDraft
    }

    /// Whether the resource is found by the same as before, and refers to the same, so that nothing need be looked up or
    /// indexed anew. So are most changes.
    public var keepsPlace: Bool {
        if let knownPlace { return knownPlace }
        guard let before, let after else { return false }
        return before.isFound(as: after)
    }

    /// Makes the documents and their digests.
    mutating func seal() {
        beforeDocument = beforeDocument ?? before?.storedText
        beforeDigest = beforeDigest ?? beforeDocument.map(LogChain.digest)
        afterDocument = after.map { after in afterDraft.map { after.storedText(from: $0) } ?? after.storedText }
        afterDigest = afterDocument.map(LogChain.digest)
        afterDraft = nil
    }
}
