// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// A command whose path is resolved and whose body is read: all that can be done without the state that it will meet.
struct PreparedWrite: Sendable {
    private enum Action: Sendable {
        case create(ResourceBody)
        case put(name: String, ResourceBody)
        case patch(name: String, JSON)
        case delete(name: String)
    }

    private let collection: CollectionKey
    private let action: Action
    private let precondition: Precondition
    private let authority: Authority
    private let intake: CertificateIntake

    /// - Throws: `notFound` for an id that is not there, `invalidResource` for a bad body, `invalidParameter` for a bad
    ///   name.
    init(
        _ command: WriteCommand, view: SharedView, authority: Authority, intake: CertificateIntake
    ) throws(TurnpikeError) {
        let kind = command.kind
        self.authority = authority
        self.intake = intake
        collection = try view.collection(kind, tenant: command.tenant, for: authority)
        try authority.requireWriting(kind)
        precondition = command.precondition
        do throws(TurnpikeError) {
            switch command.action {
            case .create(let body):
                let body = try ResourceBody(body, kind: kind, name: nil, tenant: collection.tenant)
                let key = ResourceKey(kind, tenant: collection.tenant, name: body.name ?? "")
                action = .create(try body.taken(as: key, by: intake))
            case .put(let name, let body):
                let key = try view.key(in: collection, nameOrID: name)
                action = .put(name: key.name, try PreparedWrite.read(body, for: key).taken(as: key, by: intake))
            case .patch(let name, let patch):
                // By RFC 7396 it would replace the whole document, which is always an object.
                guard case .object = patch else {
                    throw TurnpikeError.invalid([
                        Fault(JSONPointer(), .type, "Must be an object, not \(patch.typeName).")
                    ])
                }
                action = .patch(name: try view.key(in: collection, nameOrID: name).name, patch)
            case .delete(let name):
                action = .delete(name: try view.key(in: collection, nameOrID: name).name)
            }
        } catch {
            try view.requireTenant(of: collection)
            throw error
        }
    }

    /// `nil` for kinds without tenant.
    var tenant: String? { collection.tenant }

    /// Puts the change into the draft.
    func plan(_ draft: Draft) throws(TurnpikeError) -> Resource? {
        if let tenant = collection.tenant, draft.resource(ResourceKey(.tenant, name: tenant)) == nil {
            throw .notFound(.tenant, tenant: nil, name: tenant)
        }
        switch action {
        case .create(let body): return try create(body, in: draft)
        case .put(let name, let body):
            guard let existing = draft.resource(key(name)) else {
                guard Name.isValid(name) else { throw TurnpikeError(.invalidParameter, "The name \(Name.rule).") }
                return try create(body, in: draft)
            }
            guard authority.sees(existing) else {
                throw TurnpikeError(.alreadyExists, "The name of the \(existing.key) is taken.")
            }
            try checkPrecondition(existing)
            return draft.update(existing, labels: body.labels, spec: body.spec, at: JSONPointer())
        case .patch(let name, let patch):
            let existing = try self.existing(name, in: draft)
            let body = try PreparedWrite.read(existing.document(for: .people).merging(patch: patch), for: existing.key)
                .taken(as: existing.key, by: intake)
            return draft.update(existing, labels: body.labels, spec: body.spec, at: JSONPointer())
        case .delete(let name):
            draft.delete(try existing(name, in: draft).key, at: nil)
            return nil
        }
    }

    private func key(_ name: String) -> ResourceKey {
        ResourceKey(collection.kind, tenant: collection.tenant, name: name)
    }

    private func create(_ body: ResourceBody, in draft: Draft) throws(TurnpikeError) -> Resource {
        switch precondition {
        case .none, .absent: break
        case .revisions, .exists: throw TurnpikeError(.preconditionFailed, "The resource is not there.")
        }
        guard collection.kind.spec.isCreatedByClients else {
            throw TurnpikeError(.methodNotAllowed, "A \(collection.kind.rawValue) is not created by request.")
        }
        if let name = body.name, draft.resource(key(name)) != nil {
            throw TurnpikeError(.alreadyExists, "The \(key(name)) is there already.")
        }
        return draft.create(in: collection, name: body.name, labels: body.labels, spec: body.spec, at: JSONPointer())
    }

    private func existing(_ name: String, in draft: Draft) throws(TurnpikeError) -> Resource {
        guard let existing = draft.resource(key(name)), authority.sees(existing) else { throw .notFound(key(name)) }
        try checkPrecondition(existing)
        return existing
    }

    private func checkPrecondition(_ existing: Resource) throws(TurnpikeError) {
        switch precondition {
        case .none, .exists: return
        case .revisions(let revisions) where revisions.contains(existing.revision): return
        case .revisions:
            throw TurnpikeError(
                .preconditionFailed,
                "The \(existing.key) is at revision \(existing.revision), another than you have seen.")
        case .absent: throw TurnpikeError(.preconditionFailed, "The \(existing.key) is there already.")
        }
    }

    /// Reads a body for a resource whose name is known. An id that serves as name comes back with documents that
    /// clients have read, though no client may choose such a name.
    private static func read(_ body: JSON, for key: ResourceKey) throws(TurnpikeError) -> ResourceBody {
        var body = body
        if case .object(var object) = body, object["name"] == .string(key.name) {
            object["name"] = nil
            body = .object(object)
        }
        return try ResourceBody(body, kind: key.kind, name: key.name, tenant: key.tenant)
    }
}

extension ResourceBody {
    /// The body as it may be stored.
    ///
    /// - Throws: `invalidResource`.
    fileprivate func taken(as key: ResourceKey, by intake: CertificateIntake) throws(TurnpikeError) -> ResourceBody {
        let (spec, faults) = intake.taken(spec, as: key)
        guard faults.isEmpty else { throw .invalid(faults) }
        var taken = self
        taken.spec = spec
        return taken
    }
}

extension SharedView {
    /// The collection that a path names. A tenant given by id must exist; one given by name is looked for later.
    ///
    /// - Throws: `notFound` for a tenant that is not there, or out of sight.
    func collection(_ kind: Kind, tenant: String?, for authority: Authority) throws(TurnpikeError) -> CollectionKey {
        guard kind.scope == .tenant else { return CollectionKey(kind) }
        let nameOrID = tenant ?? ""
        guard let key = read({ $0.key(.tenant, tenant: nil, nameOrID: nameOrID) }) else {
            throw .notFound(.tenant, tenant: nil, name: nameOrID)
        }
        let collection = CollectionKey(kind, tenant: key.name)
        guard authority.sees(collection) else { throw .notFound(.tenant, tenant: nil, name: nameOrID) }
        return collection
    }

    func requireTenant(of collection: CollectionKey) throws(TurnpikeError) {
        guard let tenant = collection.tenant, resource(ResourceKey(.tenant, name: tenant)) == nil else { return }
        throw .notFound(.tenant, tenant: nil, name: tenant)
    }

    /// The key that a path names. A resource given by id must exist; one given by name is looked for later.
    func key(in collection: CollectionKey, nameOrID: String) throws(TurnpikeError) -> ResourceKey {
        let key = read { $0.key(collection.kind, tenant: collection.tenant, nameOrID: nameOrID) }
        guard let key else { throw .notFound(collection.kind, tenant: collection.tenant, name: nameOrID) }
        return key
    }
}
