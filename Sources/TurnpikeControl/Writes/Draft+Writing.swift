// SPDX-License-Identifier: Apache-2.0

import TurnpikeIdentity
import TurnpikeModel
import TurnpikeSnapshot

extension Draft {
    /// Makes a resource, and its credential where the kind has one.
    ///
    /// - Parameter name: `nil` for the id to serve as name.
    @discardableResult
    func create(
        in collection: CollectionKey, name: String?, labels: Labels, spec: any ResourceSpec, at pointer: JSONPointer?
    ) -> Resource {
        var random = SystemRandomNumberGenerator()
        let id = ResourceID.generate(at: now, using: &random)
        let key = ResourceKey(
            collection.kind, tenant: collection.tenant, name: name ?? id.text(prefix: collection.kind.idPrefix)
        )
        var spec = spec
        if var credential = spec as? any CredentialSpec,
            let kind = type(of: spec).credential.flatMap({ SecretKind(rawValue: $0.prefix) })
        {
            let secret = Secret.generate(kind)
            credential.digest = secret.digest.hex
            credential.hint = secret.hint
            secrets[key] = secret.text
            spec = credential
        }
        if var token = spec as? JoinToken {
            token.expiresAt = now.advanced(by: token.lifetime)
            spec = token
        }
        if let certificate = spec as? Certificate { check(certificate, at: pointer) }
        let resource = Resource(
            key: key, id: id, labels: labels, spec: spec, revision: revision, createdAt: now, updatedAt: now
        )
        record(key, after: resource, at: pointer)
        return resource
    }

    /// Gives a resource another body. One that says the same leaves the resource alone.
    ///
    /// - Returns: the resource as it is now.
    @discardableResult
    func update(_ existing: Resource, labels: Labels, spec: any ResourceSpec, at pointer: JSONPointer?) -> Resource {
        var updated = existing
        updated.labels = labels
        updated.spec = keepingServerFields(of: existing, in: spec, at: pointer)
        guard !updated.saysTheSame(as: existing) else {
            unchanged += 1
            return existing
        }
        updated.revision = revision
        updated.updatedAt = now
        record(existing.key, from: existing, to: updated, at: pointer)
        return updated
    }

    /// Gives a resource the body that was prepared for it.
    ///
    /// - Returns: `false` where the resource is another one by now, and nothing was done.
    func update(_ prepared: PreparedUpdate, at pointer: JSONPointer?) -> Bool {
        let key = prepared.before.key
        guard let existing = resource(key), existing.isSame(as: prepared.before) else { return false }
        guard var updated = prepared.after else {
            unchanged += 1
            return true
        }
        updated.revision = revision
        updated.updatedAt = now
        record(key, Change(prepared, after: updated), at: pointer)
        return true
    }

    func delete(_ key: ResourceKey, at pointer: JSONPointer?) { record(key, after: nil, at: pointer) }

    /// The spec with what only the server writes as it was: a credential outlives every change of its resource.
    private func keepingServerFields(
        of existing: Resource, in spec: any ResourceSpec, at pointer: JSONPointer?
    ) -> any ResourceSpec {
        let kind = existing.key.kind
        guard kind == .worker || kind == .certificate || kind.spec.credential != nil else { return spec }
        switch (existing.spec, spec) {
        case (let old as Certificate, let new as Certificate): return keepingKey(of: old, in: new, at: pointer)
        case (let old as Worker, let new as Worker):
            if new.role != old.role {
                problems.append(
                    Problem(
                        .invalidResource, at: (pointer ?? JSONPointer()).appending("kind"), .immutable,
                        "A worker's kind does not change."
                    ))
            }
            return old
        case (let old as JoinToken, var new as JoinToken):
            (new.digest, new.hint) = (old.digest, old.hint)
            new.expiresAt = existing.createdAt.advanced(by: new.lifetime)
            return new
        case (let old as any CredentialSpec, var new as any CredentialSpec):
            new.digest = old.digest
            new.hint = old.hint
            return new
        default: return spec
        }
    }
}
