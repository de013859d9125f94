// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// One write of one resource. Tenants and resources are named by name or id.
public struct WriteCommand: Sendable {
    public enum Action: Sendable {
        /// Fails with `alreadyExists` where the name is taken.
        case create(body: JSON)
        /// Creates, or replaces the whole body.
        case put(name: String, body: JSON)
        /// Changes the public document by an RFC 7396 merge patch.
        case patch(name: String, patch: JSON)
        case delete(name: String)
    }

    public var kind: Kind
    /// `nil` for kinds without tenant.
    public var tenant: String?
    public var action: Action
    /// What has to hold of the resource, lest the write fail with `preconditionFailed`.
    public var precondition: Precondition

    public init(_ kind: Kind, tenant: String?, _ action: Action, _ precondition: Precondition = .none) {
        self.kind = kind
        self.tenant = tenant
        self.action = action
        self.precondition = precondition
    }

    public static func create(
        _ kind: Kind, tenant: String? = nil, body: JSON, _ precondition: Precondition = .none
    ) -> Self {
        Self(kind, tenant: tenant, .create(body: body), precondition)
    }

    public static func put(
        _ kind: Kind, tenant: String? = nil, name: String, body: JSON, _ precondition: Precondition = .none
    ) -> Self {
        Self(kind, tenant: tenant, .put(name: name, body: body), precondition)
    }

    public static func patch(
        _ kind: Kind, tenant: String? = nil, name: String, patch: JSON, _ precondition: Precondition = .none
    ) -> Self {
        Self(kind, tenant: tenant, .patch(name: name, patch: patch), precondition)
    }

    public static func delete(
        _ kind: Kind, tenant: String? = nil, name: String, _ precondition: Precondition = .none
    ) -> Self {
        Self(kind, tenant: tenant, .delete(name: name), precondition)
    }
}

/// What a client has seen, or not seen, of a resource that it writes (RFC 9110 §13).
public enum Precondition: Sendable, Hashable {
    case none
    /// It is there, with one of these revisions.
    case revisions(Set<Revision>)
    case exists
    case absent

    public static func revision(_ revision: Revision) -> Precondition { .revisions([revision]) }
}

/// Who writes, why, and whether in earnest.
public struct WriteContext: Sendable {
    public var principal: Principal
    /// The address that the request came from; empty where it is not known.
    public var source: String
    /// What the client gave as its reason; empty where it gave none.
    public var reason: String
    public var requestID: String
    /// Everything is checked, nothing is stored.
    public var isDryRun: Bool
    /// Makes the write safe to repeat. `nil`: it is carried out each time. Dry runs have no need of one.
    public var idempotencyKey: IdempotencyKey?

    public init(
        principal: Principal, source: String = "", reason: String = "", requestID: String, isDryRun: Bool = false,
        idempotencyKey: IdempotencyKey? = nil
    ) {
        self.idempotencyKey = isDryRun ? nil : idempotencyKey
        self.principal = principal
        self.source = source
        self.reason = reason
        self.requestID = requestID
        self.isDryRun = isDryRun
    }
}

/// What a write came to.
public struct WriteOutcome: Sendable {
    /// The write's revision; where nothing changed or in a dry run, the current one.
    public var revision: Revision
    /// The resource as it is (or, in a dry run, would be) now; `nil` after a deletion. In a dry run its `revision` is
    /// the one that the write would have got.
    public var resource: Resource?
    /// `nil` where nothing changed.
    public var effect: Change.Effect?
    /// The credential that the write made, in plain text, the only time that it is shown.
    public var secret: String?
    /// Whether the write was carried out before, by the same idempotency key.
    public var isReplay: Bool
    /// In a dry run, the workers that would get something else to serve by; empty otherwise.
    public var workers: [WorkerStatus]
    /// What it asks of connected workers that they cannot do.
    public var gaps: [CapabilityGap]

    public init(
        revision: Revision, resource: Resource?, effect: Change.Effect?, secret: String?, isReplay: Bool = false,
        workers: [WorkerStatus] = [], gaps: [CapabilityGap] = []
    ) {
        self.gaps = gaps
        self.isReplay = isReplay
        self.workers = workers
        self.revision = revision
        self.resource = resource
        self.effect = effect
        self.secret = secret
    }
}
