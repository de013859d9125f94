// SPDX-License-Identifier: Apache-2.0

import TurnpikeIdentity
public import TurnpikeModel
public import TurnpikeSnapshot

extension ControlPlane {
    /// How long a worker's credential is good; the worker asks for the next one at half of it.
    static let credentialLifetime = Duration.seconds(7 * 86_400)
    /// How long the former credential stays good once the next one is out.
    static let credentialGrace = Duration.seconds(3600)

    /// Registers a worker.
    ///
    /// - Parameters:
    ///   - principal: a join token of the worker's role.
    ///   - address: where the worker is; empty where it is not known.
    /// - Throws: `forbidden` to anything but such a token; `alreadyExists` where the name is taken: a worker that has
    ///   lost its identity needs another name, or its former self deleted.
    public func join(
        _ registration: Registration, with principal: Principal, from address: String = "", requestID: String
    ) async throws(TurnpikeError) -> WorkerIdentity {
        guard case .joinToken(let token) = principal, let joinToken = token.spec as? JoinToken else {
            throw TurnpikeError(.forbidden, "Workers join with a join token.")
        }
        guard joinToken.role == registration.role else {
            throw TurnpikeError(.forbidden, "The join token is for workers of kind '\(joinToken.role.rawValue)'.")
        }
        let secret = Secret.generate(.workerCredential)
        return try await issue(
            secret, registration.certificateRequest, actor: principal.actor, address, requestID
        ) { draft, credential throws(TurnpikeError) in
            guard draft.resource(token.key)?.id == token.id else { throw .unauthenticated }
            if let name = registration.name, draft.resource(ResourceKey(.worker, name: name)) != nil {
                throw TurnpikeError(.alreadyExists, "A worker '\(name)' is registered already.")
            }
            let worker = Worker(role: registration.role, version: registration.version, credentials: [credential])
            return draft.create(
                in: CollectionKey(.worker), name: registration.name, labels: [:], spec: worker, at: nil
            )
        }
    }

    /// Gives a worker its next credential. The former one stays good for an hour, so that an answer that is lost on
    /// its way locks nobody out.
    public func rotateCredential(
        of worker: Principal, _ request: CredentialRequest = CredentialRequest(), from address: String = "",
        requestID: String
    ) async throws(TurnpikeError) -> WorkerIdentity {
        let resource = try self.worker(worker)
        let secret = Secret.generate(.workerCredential)
        return try await issue(
            secret, request.certificateRequest, actor: worker.actor, address, requestID
        ) { draft, credential throws(TurnpikeError) in
            guard let existing = draft.resource(resource.key), existing.id == resource.id,
                var spec = existing.spec as? Worker
            else { throw .unauthenticated }
            spec.rotate(to: credential, now: draft.now)
            var updated = existing
            updated.spec = spec
            updated.revision = draft.revision
            updated.updatedAt = draft.now
            draft.record(existing.key, after: updated, at: nil)
            return updated
        }
    }

    private func issue(
        _ secret: Secret, _ certificateRequest: String?, actor: String, _ address: String, _ requestID: String,
        _ plan: @escaping @Sendable (Draft, Worker.Credential) throws(TurnpikeError) -> Resource
    ) async throws(TurnpikeError) -> WorkerIdentity {
        if let certificateRequest { try check(certificateRequest) }
        let issuedAt = clock.now
        let expiresAt = issuedAt.advanced(by: Self.credentialLifetime)
        let credential = Worker.Credential(digest: secret.digest.hex, expiresAt: expiresAt)
        let request = CommitRequest(actor: actor, source: address, reason: "", requestID: requestID) {
            draft throws(TurnpikeError) in
            try plan(draft, credential)
        }
        guard let worker = try await commit(request).subject else {
            throw TurnpikeError(.internalError, "The worker was not registered.")
        }
        return WorkerIdentity(
            id: worker.idText, name: worker.key.name, credential: secret.text, issuedAt: issuedAt, expiresAt: expiresAt,
            certificate: try certificateRequest.flatMap { request throws(TurnpikeError) in
                try certificate(request, for: worker, now: issuedAt)
            })
    }

    /// Looks at a certificate request before anything is written on account of it.
    private func check(_ certificateRequest: String) throws(TurnpikeError) {
        do { try WorkerCertificate.check(request: certificateRequest) } catch {
            throw .invalid([Fault(JSONPointer().appending("certificateRequest"), .format, error.description)])
        }
    }

    private func certificate(
        _ request: String, for worker: Resource, now: Timestamp
    ) throws(TurnpikeError) -> String? {
        do {
            return try authority?.issueWorker(
                request, worker: worker.idText, lifetime: Self.credentialLifetime, now: now)
        } catch { throw TurnpikeError(.internalError, "The certificate cannot be made.", cause: error) }
    }

    /// Opens a worker's stream. An older stream of the same worker ends.
    ///
    /// - Parameters:
    ///   - revision: what the worker serves by; `nil` where it has nothing.
    ///   - announcement: what it says of itself; `nil` where it says nothing.
    public func openStream(
        worker: Principal, from revision: Revision?, _ announcement: WorkerAnnouncement? = nil
    ) throws(TurnpikeError) -> WorkerStream {
        try publisher.open(try self.worker(worker).id, from: revision, announcement)
    }

    /// Takes a worker's answer to a delta.
    public func acknowledge(_ acknowledgement: Acknowledgement, worker: Principal) throws(TurnpikeError) {
        try publisher.acknowledge(acknowledgement, by: try self.worker(worker).id)
    }

    /// Takes a worker's answer to a probe.
    public func take(_ answer: ProbeAnswer, to probe: Int64, worker: Principal) throws(TurnpikeError) {
        try publisher.take(answer, to: probe, from: try self.worker(worker).id)
    }

    /// What a registered worker is doing; `nil` where there is none of that id.
    public func workerStatus(of id: ResourceID) -> WorkerStatus? { publisher.status(of: id) }

    func worker(_ principal: Principal) throws(TurnpikeError) -> Resource {
        guard case .worker(let resource) = principal else {
            throw TurnpikeError(.forbidden, "Only workers may do this.")
        }
        return resource
    }
}

extension Worker {
    /// Puts the new credential first and keeps one of those that still hold, for a grace: the oldest, for where two
    /// hold, the answer with the newer one was lost and the worker still uses the older.
    fileprivate mutating func rotate(to credential: Credential, now: Timestamp) {
        let graceEnd = now.advanced(by: ControlPlane.credentialGrace)
        let kept = credentials.last { $0.expiresAt > now }
        credentials =
            [credential] + (kept.map { [Credential(digest: $0.digest, expiresAt: min($0.expiresAt, graceEnd))] } ?? [])
    }
}
