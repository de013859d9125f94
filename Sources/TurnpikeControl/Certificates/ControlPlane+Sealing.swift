// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization
public import TurnpikeIdentity
public import TurnpikeModel
public import TurnpikeSnapshot
import TurnpikeTelemetry

extension ControlPlane {
    /// Gives a gateway the keys by which private keys of certificates are sealed, so that the gateway alone can read them.
    ///
    /// - Throws: `forbidden` to anybody but gateways; `invalidResource` where the public key is none.
    public func sealingKey(
        for worker: Principal, _ request: SealingKeyRequest
    ) throws(TurnpikeError) -> SealingKeyAnswer {
        let resource = try self.worker(worker)
        guard let role = (resource.spec as? Worker)?.role else { throw .unauthenticated }
        // Each role that is added has to be judged: who shows no certificates has no need of the key.
        switch role {
        case .gateway: break
        }
        func sealed(_ key: SealingKey) throws(SealingFault) -> SealedSealingKey {
            SealedSealingKey(
                id: key.id, sealedKey: try SealingKeyEnvelope.seal(key, to: request.publicKey, worker: resource.idText))
        }
        do {
            let keys = intake.sealingKeys
            let answer = SealingKeyAnswer(try sealed(keys.first), former: try keys.former.map { try sealed($0) })
            logger.info("A gateway gets the sealing key", metadata: [LogKey.worker: "\(resource.key.name)"])
            return answer
        } catch {
            throw .invalid([
                Fault(
                    JSONPointer().appending("publicKey"), .format,
                    "'publicKey' must be an X25519 public key, 32 bytes in base64url.")
            ])
        }
    }

    /// How long it is until sealing anew is tried again.
    private static let sealingPause = Duration.seconds(10)
    /// Certificates that one revision seals anew.
    static let sealedAtOnce = 100

    /// Takes other keys than it has, and seals by their first what others have sealed. Gateways ask for those that they need.
    ///
    /// - Throws: `storageFailed` where a key is not among them by which something is sealed, or may be any moment; those that it
    ///   has stay, then.
    public func take(_ keys: SealingKeys) async throws(TurnpikeError) {
        let current = sealingKeys.withLock(\.self)
        let lost = Set(certificates(foreignTo: keys)).subtracting(certificates(foreignTo: current))
        guard keys.all.contains(where: { $0.id == current.first.id }), lost.isEmpty else {
            throw TurnpikeError(
                .storageFailed,
                "A sealing key is not there any more by which \(max(1, lost.count)) certificates are sealed.")
        }
        sealingKeys.withLock { $0 = keys }
        await sealAnew()
    }

    /// Seals anew at once, and looks again from time to time: what was on its way as other keys were taken is sealed by a former
    /// one yet. Returns when cancelled.
    func keepSealed(lookingEvery pause: Duration) async {
        while !Task.isCancelled {
            await sealAnew()
            try? await Task.sleep(for: pause)
        }
    }

    /// Seals by the first key what former ones have sealed, so that these can go. What is cut off in between has each certificate
    /// sealed by a key that is there, and goes on with the next start.
    func sealAnew() async {
        guard !intake.sealingKeys.former.isEmpty else { return }
        while !Task.isCancelled {
            do throws(TurnpikeError) {
                var count = 0
                for tenant in view.tenants() { count += try await sealAnew(certificatesOf: tenant) }
                guard count > 0 else { return }
                logger.info(
                    "Certificates are sealed anew, by the key that is the first now",
                    metadata: [LogKey.count: "\(count)"])
                return
            } catch {
                logger.error(
                    "Certificates could not be sealed anew; it is tried again", metadata: [LogKey.error: "\(error)"])
                try? await Task.sleep(for: Self.sealingPause)
            }
        }
    }

    /// - Returns: how many it has sealed anew.
    private func sealAnew(certificatesOf tenant: String) async throws(TurnpikeError) -> Int {
        var (count, last): (Int, String?) = (0, nil)
        while !Task.isCancelled {
            let stretch = view.read { [last] in
                $0.resources(in: CollectionKey(.certificate, tenant: tenant), after: last, limit: Self.sealedAtOnce)
            }
            guard let end = stretch.last else { break }
            last = end.key.name
            let first = intake.sealingKeys.first.id
            let keys = stretch.filter { ($0.spec as? Certificate)?.sealingKeyID != first }.map(\.key)
            guard !keys.isEmpty else { continue }
            let request = CommitRequest(
                tenant: tenant, actor: "system", reason: "The sealing key was changed", requestID: "seal"
            ) { draft in
                let intake = self.intake
                for key in keys { draft.sealAnew(key, by: intake) }
                return nil
            }
            count += try await commit(request).changes.count
        }
        return count
    }

    /// Says at start which certificates no sealing key opens: most likely its file is another one than before.
    func reportForeignSeals() {
        let foreign = certificates(foreignTo: intake.sealingKeys)
        guard !foreign.isEmpty else { return }
        logger.error(
            """
            Certificates were sealed by another key than this control plane has. Bring the former sealing key back, or write \
            these certificates anew
            """,
            metadata: [LogKey.count: "\(foreign.count)", LogKey.name: "\(foreign.prefix(10).joined(separator: ", "))"])
    }
}

extension ControlPlane {
    /// Those whose private keys none of the keys has sealed.
    private func certificates(foreignTo keys: SealingKeys) -> [String] {
        let ids = Set(keys.all.map(\.id))
        return view.tenants().flatMap { tenant in
            view.resources(of: .certificate, tenant: tenant).filter { resource in
                (resource.spec as? Certificate)?.sealingKeyID.map { !ids.contains($0) } ?? false
            }.map(\.key.description)
        }
    }
}

extension Certificate {
    /// By which key its private key is sealed; `nil` where it is not.
    fileprivate var sealingKeyID: String? {
        guard case .sealed(let text)? = privateKey else { return nil }
        return SealingKey.id(in: text)
    }
}

extension Draft {
    /// Leaves what cannot be opened as it is, as what is gone meanwhile.
    fileprivate func sealAnew(_ key: ResourceKey, by intake: CertificateIntake) {
        guard let existing = resource(key), let certificate = existing.spec as? Certificate,
            let sealed = try? intake.sealedByFirst(certificate, of: key), sealed != certificate
        else { return }
        var updated = existing
        updated.spec = sealed
        updated.revision = revision
        updated.updatedAt = now
        record(key, after: updated, at: nil)
    }
}
