// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel
public import TurnpikeSnapshot

/// A registered worker and what it is doing.
public struct WorkerStatus: Sendable, Hashable {
    /// A configuration that the worker refused as a whole.
    public struct Rejection: Sendable, Hashable {
        public struct Reason: Sendable, Hashable {
            /// The resource, as an operator knows it, that could not be served.
            public var resource: ResourceKey
            public var detail: String

            public init(resource: ResourceKey, detail: String) {
                self.resource = resource
                self.detail = detail
            }
        }

        public var revision: Revision
        public var reasons: [Reason]

        public init(revision: Revision, reasons: [Reason]) {
            self.revision = revision
            self.reasons = reasons
        }
    }

    public var id: ResourceID
    public var name: String
    public var role: Worker.Role
    /// Whether its stream is open.
    public var isConnected: Bool
    /// The newest revision that the worker is known to serve by; `nil` where it has not said since this control plane
    /// started.
    public var appliedRevision: Revision?
    /// Revisions that it has yet to apply; `nil` where it is not known what it serves by.
    public var lag: Revision?
    /// What it said of itself when it last opened its stream; `nil` where it has said nothing.
    public var announcement: WorkerAnnouncement?
    /// Stands until the worker applies a later revision.
    public var rejection: Rejection?
    /// When it last sent anything; `nil` where it never has. After a crash of the control plane it may be a minute old.
    public var lastSeen: Timestamp?

    public init(
        id: ResourceID, name: String, role: Worker.Role, isConnected: Bool = false, appliedRevision: Revision? = nil,
        rejection: Rejection? = nil, lastSeen: Timestamp? = nil
    ) {
        self.id = id
        self.name = name
        self.role = role
        self.isConnected = isConnected
        self.appliedRevision = appliedRevision
        self.rejection = rejection
        self.lastSeen = lastSeen
    }

    public var json: JSON {
        .object(
            JSONObject([
                "id": .string(id.text(prefix: Kind.worker.idPrefix)), "name": .string(name),
                "kind": .string(role.rawValue),
                "connected": .bool(isConnected), "appliedRevision": appliedRevision.map { .integer($0) } ?? .null,
                "lag": lag.map { .integer($0) } ?? .null,
                "lastSeen": lastSeen.map { .string($0.description) } ?? .null, "rejection": rejection?.json,
                "version": announcement.map { .string($0.version) },
                "capabilities": announcement?.json["capabilities"], "addresses": announcement?.json["addresses"],
                "zone": announcement?.zone.map { .string($0) },
            ]))
    }
}

extension WorkerStatus.Rejection {
    var json: JSON {
        [
            "revision": .integer(revision),
            "reasons": .array(reasons.map { ["resource": .string($0.resource.path), "detail": .string($0.detail)] }),
        ]
    }
}
