// SPDX-License-Identifier: Apache-2.0

import Logging
import TurnpikeIdentity
public import TurnpikeModel
public import TurnpikeSnapshot
import TurnpikeTelemetry

extension ControlPlane {
    /// Gives a gateway the key under which private keys of certificates are sealed, so that the gateway alone can read it.
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
        let key = intake.sealingKey
        do {
            let sealed = try SealingKeyEnvelope.seal(key, to: request.publicKey, worker: resource.idText)
            logger.info("A gateway gets the sealing key", metadata: [LogKey.worker: "\(resource.key.name)"])
            return SealingKeyAnswer(id: key.id, sealedKey: sealed)
        } catch {
            throw .invalid([
                Fault(
                    JSONPointer().appending("publicKey"), .format,
                    "'publicKey' must be an X25519 public key, 32 bytes in base64url.")
            ])
        }
    }

    /// Says at start which certificates the sealing key does not open: most likely its file is another one than before.
    func reportForeignSeals() {
        var foreign: [String] = []
        for tenant in view.tenants() {
            for resource in view.resources(of: .certificate, tenant: tenant) {
                guard case .sealed(let text) = (resource.spec as? Certificate)?.privateKey,
                    SealingKey.id(in: text) != intake.sealingKey.id
                else { continue }
                foreign.append(resource.key.description)
            }
        }
        guard !foreign.isEmpty else { return }
        logger.error(
            """
            Certificates were sealed by another key than this control plane has. Bring the former sealing key back, or write \
            these certificates anew
            """,
            metadata: [LogKey.count: "\(foreign.count)", LogKey.name: "\(foreign.prefix(10).joined(separator: ", "))"])
    }
}
