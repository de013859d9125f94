// SPDX-License-Identifier: Apache-2.0

import TurnpikeIdentity
import TurnpikeModel
import TurnpikeProxy
import TurnpikeSnapshot

/// Makes the certificates of a configuration ready to be shown, with the keys that the gateway has, or is given by the control
/// plane. Knows nothing of what is shown now.
struct CertificateOpener: Sendable {
    typealias Opened = [CompiledName: ServedCertificates.Told]

    let keys: SealingKeyRing
    /// Asks the control plane for its sealing keys.
    let ask: @Sendable () async throws -> SealingKeys

    /// What is to be shown once the change is taken.
    ///
    /// - Parameters:
    ///   - current: what is shown now; what stays the same is taken over.
    ///   - mayAsk: whether the control plane is asked for a key that is lacking, which may take some seconds.
    /// - Returns: all that can be shown, and why the rest cannot be.
    func open(
        _ delta: Delta, over current: Opened, mayAsk: Bool
    ) async -> (opened: Opened, reasons: [Acknowledgement.Reason]) {
        var opened = delta.isSnapshot ? [:] : current
        for name in delta.removed { opened[name] = nil }
        var lacking: String?
        if mayAsk { lacking = await askForKeys(of: delta) }
        var reasons: [Acknowledgement.Reason] = []
        for case .certificate(let certificate) in delta.set {
            let name = CompiledName(.certificate, tenant: certificate.tenant, name: certificate.name)
            if let known = current[name], known.compiled == certificate {
                opened[name] = known
                continue
            }
            do {
                opened[name] = try ready(certificate)
            } catch {
                opened[name] = nil
                let detail = error as? Unopened == .noKey ? lacking ?? "\(error)" : "\(error)"
                reasons.append(Acknowledgement.Reason(name: name, detail: detail))
            }
        }
        return (opened, reasons)
    }

    private enum Unopened: Error, CustomStringConvertible {
        case noKey

        var description: String { "The key that it was sealed by is not the control plane's any more." }
    }

    /// - Returns: why the control plane gave no key, where one is lacking.
    private func askForKeys(of delta: Delta) async -> String? {
        let isComplete = delta.set.allSatisfy { resource in
            guard case .certificate(let certificate) = resource else { return true }
            return SealingKey.id(in: certificate.sealedKey).map { keys.key($0) != nil } ?? true
        }
        guard !isComplete else { return nil }
        do {
            try keys.adopt(try await ask())
            return nil
        } catch { return "The gateway has not got the key that it was sealed by: \(error)" }
    }

    private func ready(_ certificate: CompiledCertificate) throws -> ServedCertificates.Told {
        guard let id = SealingKey.id(in: certificate.sealedKey) else { throw SealingFault.notSealed }
        guard let key = keys.key(id) else { throw Unopened.noKey }
        let privateKey = try key.open(
            certificate.sealedKey, for: .certificate(certificate.name, tenant: certificate.tenant))
        return ServedCertificates.Told(
            compiled: certificate,
            ready: try ReadyCertificate(
                ServerCertificate(
                    source: "\(certificate.tenant)/\(certificate.name)", names: certificate.names,
                    chain: Array(certificate.chain.utf8), key: Array(privateKey.utf8))))
    }
}
