// SPDX-License-Identifier: Apache-2.0

import TurnpikeIdentity
import TurnpikeModel

/// Takes certificates in: looks at chain and key, notes what the certificate says of itself, and seals the key, all before
/// a write reaches the log. From there on nobody but gateways sees what the key is.
///
/// Safe from any thread.
struct CertificateIntake: Sendable {
    /// DNS names of a certificate at most.
    static let mostNames = 256

    let sealingKeys: SealingKeys

    /// The spec as it may be stored; specs of other kinds are that already.
    ///
    /// - Parameters:
    ///   - key: under which it will stand; the sealed key opens there only.
    ///   - pointer: where the spec stands in the client's body.
    /// - Returns: the spec, of use only where there are no faults, and these.
    func taken(
        _ spec: any ResourceSpec, as key: ResourceKey, at pointer: JSONPointer = JSONPointer()
    ) -> (spec: any ResourceSpec, faults: [Fault]) {
        guard var certificate = spec as? Certificate else { return (spec, []) }
        var faults: [Fault] = []
        do throws(CertificateFault) {
            let chain = try ServerKeyPair.chain(certificate.chain)
            certificate.chain = chain.text
            certificate.facts = Certificate.Facts(chain.facts)
            if let wrong = Self.fault(in: chain.facts.names) {
                faults.append(Fault(pointer.appending("chain"), .format, wrong))
            }
        } catch { faults.append(Fault(pointer.appending("chain"), .format, error.description)) }
        do throws(CertificateFault) {
            if let privateKey = certificate.privateKey {
                let pair = try ServerKeyPair.key(try opened(privateKey, of: key))
                certificate.privateKey = .sealed(try sealed(pair.text, of: key))
                // Where the chain is none, that says enough.
                if faults.isEmpty, pair.fingerprint != certificate.facts.keyFingerprint {
                    throw CertificateFault("It must be the key of the chain's first certificate.")
                }
            }
        } catch { faults.append(Fault(pointer.appending("privateKey"), .format, error.description)) }
        return (certificate, faults)
    }

    private static func fault(in names: [String]) -> String? {
        guard (1...mostNames).contains(names.count) else {
            return "Its first certificate must have 1 to \(mostNames) DNS names (subject alternative names)."
        }
        return names.first { !Host.isValidPattern($0) }.map { "'\($0.prefix(253))', a name in it, must be a DNS name." }
    }

    private func opened(
        _ privateKey: Certificate.PrivateKey, of key: ResourceKey
    ) throws(CertificateFault) -> String {
        switch privateKey {
        case .plain(let text): return text
        case .sealed(let text):
            do { return try sealingKeys.open(text, for: use(of: key)) } catch { throw CertificateFault("\(error)") }
        }
    }

    private func sealed(_ text: String, of key: ResourceKey) throws(CertificateFault) -> String {
        do { return try sealingKeys.first.seal(text, for: use(of: key)) } catch { throw CertificateFault("\(error)") }
    }

    /// A stored certificate as it is to stand in what is written from now on: sealed by the first key.
    ///
    /// - Throws: where no key that is there has sealed it.
    func sealedByFirst(_ certificate: Certificate, of key: ResourceKey) throws(SealingFault) -> Certificate {
        guard case .sealed(let text)? = certificate.privateKey else { return certificate }
        var certificate = certificate
        certificate.privateKey = .sealed(try sealingKeys.sealedByFirst(text, for: use(of: key)))
        return certificate
    }

    private func use(of key: ResourceKey) -> SealingKey.Use { .certificate(key.name, tenant: key.tenant ?? "") }
}

extension Certificate.Facts {
    fileprivate init(_ facts: CertificateFacts) {
        self.init()
        names = facts.names
        notBefore = facts.beginsAt
        notAfter = facts.expiresAt
        fingerprint = facts.fingerprint
        keyFingerprint = facts.keyFingerprint
    }
}
