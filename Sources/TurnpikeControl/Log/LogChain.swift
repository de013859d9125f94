// SPDX-License-Identifier: Apache-2.0

import TurnpikeIdentity
public import TurnpikeModel
import TurnpikeSnapshot

/// The chain through the log by which an entry that was altered or taken out is found.
///
/// An entry's hash is the SHA-256 of the hash before it and of all that the entry says, documents by their own digests,
/// as one JSON array without white space. Whoever has an export can check the chain without the server; whoever has the
/// database, the documents too. Nobody can make an entry fit without all that follow it, so a hash that was noted
/// elsewhere vouches for everything up to it.
public enum LogChain {
    /// What stands before the first entry.
    public static let start = String(repeating: "0", count: 64)

    /// What an entry's hash is made of, beside the hash before it.
    public struct Entry: Sendable {
        public struct Change: Sendable {
            public var kind: String
            public var tenant: String?
            public var name: String
            public var beforeDigest: String?
            public var afterDigest: String?

            public init(kind: String, tenant: String?, name: String, beforeDigest: String?, afterDigest: String?) {
                self.kind = kind
                self.tenant = tenant
                self.name = name
                self.beforeDigest = beforeDigest
                self.afterDigest = afterDigest
            }
        }

        public var revision: Revision
        /// As the log's readers see it: RFC 3339.
        public var at: String
        public var actor: String
        public var source: String
        public var reason: String
        public var requestID: String
        public var changes: [Change]

        public init(
            revision: Revision, at: String, actor: String, source: String, reason: String, requestID: String,
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

    public static func hash(of entry: Entry, after previous: String) -> String {
        // Written as text at once: a tree of it would be made for every write, and thrown away.
        var text = JSONTextWriter(.compact)
        text.reserve(512 + 256 * entry.changes.count)
        func write(_ string: String?) {
            text.element()
            if let string { text.write(string) } else { text.writeNull() }
        }
        text.openArray()
        write(previous)
        text.element()
        text.write(entry.revision)
        for part in [entry.at, entry.actor, entry.source, entry.reason, entry.requestID] { write(part) }
        text.element()
        text.openArray()
        for change in entry.changes {
            text.element()
            text.openArray()
            for part in [change.kind, change.tenant, change.name, change.beforeDigest, change.afterDigest] {
                write(part)
            }
            text.closeArray()
        }
        text.closeArray()
        text.closeArray()
        return text.finish().withUnsafeBytes { KeyDigest.sha256(of: $0) }.hex
    }

    /// The digest of a stored document.
    public static func digest(of document: String) -> String { KeyDigest.sha256(of: document).hex }
}

extension RevisionRecord {
    /// Ties the entry to the one before it.
    public mutating func seal(after previous: String) {
        for place in changes.indices { changes[place].seal() }
        previousHash = previous
        hash = LogChain.hash(of: chained, after: previous)
    }

    /// Whether the hash is what the entry and the one before it lead to.
    public var isSealIntact: Bool { hash == LogChain.hash(of: chained, after: previousHash) }

    private var chained: LogChain.Entry {
        LogChain.Entry(
            revision: revision, at: at.description, actor: actor, source: source, reason: reason, requestID: requestID,
            changes: changes.compactMap { change in
                change.key.map {
                    .init(
                        kind: $0.kind.rawValue, tenant: $0.tenant, name: $0.name, beforeDigest: change.beforeDigest,
                        afterDigest: change.afterDigest)
                }
            }
        )
    }
}

extension LogChain.Entry {
    /// Reads an entry as an audit shows it; `nil` where it is none.
    public init?(json: JSON) {
        guard let revision = json["revision"]?.integer, let at = json["at"]?.string, let actor = json["actor"]?.string,
            let source = json["source"]?.string, let reason = json["reason"]?.string,
            let requestID = json["requestId"]?.string, let changes = json["changes"]?.array
        else { return nil }
        let read = changes.compactMap { change -> Change? in
            guard let kind = change["kind"]?.string, let name = change["name"]?.string else { return nil }
            return Change(
                kind: kind, tenant: change["tenant"]?.string, name: name, beforeDigest: change["beforeDigest"]?.string,
                afterDigest: change["afterDigest"]?.string)
        }
        guard read.count == changes.count else { return nil }
        self.init(
            revision: revision, at: at, actor: actor, source: source, reason: reason, requestID: requestID,
            changes: read)
    }
}
