// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeIdentity
public import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry

extension ControlPlane {
    /// Who holds a credential.
    ///
    /// - Parameters:
    ///   - bearer: the whole secret: an operator's token, a worker's credential or a join token.
    ///   - address: where it came from, for slowing down who fails too often; empty where it is not known.
    /// - Throws: `unauthenticated`, in the same words for one that is malformed, unknown or expired; `rateLimited` in its
    ///   stead where the address has failed too often. A good credential is taken whatever came from its address before:
    ///   many may stand behind one address, and one of them must not lock the others out.
    public func authenticate(bearer: String, from address: String = "") throws(TurnpikeError) -> Principal {
        do { return try holder(of: bearer) } catch {
            metrics.failedLogins.increment()
            guard !address.isEmpty else { throw error }
            let now = clock.now
            let delay = failedLogins.withLock { failed -> Duration? in
                if let delay = failed.delay(of: address, at: now) { return delay }
                failed.note(address, at: now)
                return nil
            }
            guard let delay else { throw error }
            metrics.rateLimited(of: "address").increment()
            throw TurnpikeError(
                .rateLimited, "Too many credentials from this address were not valid.", retryAfter: delay)
        }
    }

    /// Whether an operator is there still, with the same token and the same reach: for what goes on long after it was
    /// allowed.
    func isStillGood(_ principal: Principal) -> Bool {
        guard let now = view.resource(principal.resource.key), now.id == principal.resource.id,
            let (spec, former) = (now.spec, principal.resource.spec) as? (Operator, Operator)
        else { return false }
        return spec.digest == former.digest && spec.role == former.role && spec.tenant == former.tenant
            && spec.expiresAt.map { clock.now < $0 } ?? true
    }

    /// Holds a tenant's own operators to the tenant's rate of requests.
    ///
    /// - Throws: `rateLimited`.
    public func admit(_ principal: Principal) throws(TurnpikeError) {
        guard case .operator(let resource) = principal, let tenant = (resource.spec as? Operator)?.tenant else {
            return
        }
        let now = clock.now
        guard let delay = tenantRates.withLock({ $0.admit(tenant, tenantLimits, at: now) }) else { return }
        metrics.rateLimited(of: "tenant").increment()
        throw TurnpikeError(
            .rateLimited, "The tenant's operators may send \(tenantLimits.requestsPerSecond) requests a second.",
            retryAfter: delay)
    }

    /// How many bytes a bundle of the caller's may have; `nil` where no tenant's limit holds.
    public func bundleBytes(for authority: Authority) -> Int? {
        authority.tenant == nil ? nil : tenantLimits.bundleBytes
    }

    private func holder(of bearer: String) throws(TurnpikeError) -> Principal {
        // One that claims our form must have it: arithmetic refuses it before any look-up.
        guard bearer.isWellFormedSecret else { throw .unauthenticated }
        let digest = KeyDigest.sha256(of: bearer)
        guard let holder = view.read({ $0.holder(of: digest) }), holder.accepts(digest, at: clock.now) else {
            throw .unauthenticated
        }
        switch holder.key.kind {
        case .operator:
            credentialUses.note(holder.id, at: clock.now)
            return .operator(holder)
        case .worker: return .worker(holder)
        case .joinToken: return .joinToken(holder)
        case .tenant, .service, .route, .apiKey, .quota, .policy, .certificate: throw .unauthenticated
        }
    }

    /// Makes the first operator, `bootstrap`, an owner, where there is none.
    ///
    /// - Parameter token: the token that it shall have, 16 to 256 characters; `nil` for a new one.
    /// - Returns: the token, to be shown once; `nil` where there are operators already.
    public func bootstrapOperator(token: String?) async throws -> String? {
        guard view.count(of: CollectionKey(.operator)) == 0 else { return nil }
        if let token, !(16...256).contains(token.utf8.count) {
            throw TurnpikeError(.invalidParameter, "The bootstrap token must have 16 to 256 characters.")
        }
        // It would be taken here, and nobody would ever be let in by it.
        if let token, !token.isWellFormedSecret {
            throw TurnpikeError(
                .invalidParameter, "The bootstrap token must not begin with 'tp_', as only tokens made by Turnpike do.")
        }
        let receipt = try await commit(
            CommitRequest(
                actor: "system", reason: "First start", requestID: "bootstrap",
                plan: { draft throws(TurnpikeError) in
                    guard draft.count(of: CollectionKey(.operator)) == 0 else { return nil }
                    return try draft.createFirstOperator(token: token)
                }
            ))
        return receipt.subject.flatMap { token ?? receipt.secrets[$0.key] }
    }
}

extension String {
    /// Whether a secret that begins as Turnpike's own do is one of them.
    fileprivate var isWellFormedSecret: Bool { !hasPrefix("tp_") || Secret.parse(self) != nil }
}

extension Draft {
    fileprivate func createFirstOperator(token: String?) throws(TurnpikeError) -> Resource {
        let body = try ResourceBody(
            ["displayName": "First operator", "role": "owner"], kind: .operator, name: "bootstrap")
        let created = create(
            in: CollectionKey(.operator), name: "bootstrap", labels: [:], spec: body.spec, at: nil
        )
        guard let token, var spec = created.spec as? Operator else { return created }
        spec.digest = KeyDigest.sha256(of: token).hex
        spec.hint = Secret(token)?.hint ?? String(token.prefix(4))
        var chosen = created
        chosen.spec = spec
        record(created.key, after: chosen, at: nil)
        return chosen
    }
}

extension Resource {
    /// Whether a credential of this resource has the digest, and is still good.
    fileprivate func accepts(_ digest: KeyDigest, at now: Timestamp) -> Bool {
        switch spec {
        case let worker as Worker:
            worker.credentials.contains { KeyDigest(hex: $0.digest) == digest && now < $0.expiresAt }
        case let credential as any CredentialSpec:
            KeyDigest(hex: credential.digest) == digest && credential.expiresAt.map { now < $0 } ?? true
        default: false
        }
    }
}
