// SPDX-License-Identifier: Apache-2.0

import NIOSSL
import Synchronization
import TurnpikeIdentity

/// How a worker speaks TLS to its control plane. The certificate that it shows changes with its identity, without a
/// restart: the next connections have the new one. Safe from any thread.
final class ControlPlaneTLS: Sendable {
    private let base: TLSConfiguration
    /// The key of the certificates that the control plane issues; `nil` where somebody else issues them, or nobody.
    private let key: WorkerKey?
    private let current: Mutex<(certificate: String?, configuration: TLSConfiguration)>

    /// - Parameter key: `nil` where the worker asks for no certificate.
    init(_ base: TLSConfiguration, key: WorkerKey?) {
        self.base = base
        self.key = key
        current = Mutex((nil, base))
    }

    /// What to send to be given a certificate; `nil` where none is wanted.
    func certificateRequest() -> String? { try? key?.certificateRequest() }

    /// Whether the worker would like to have a certificate and could show one.
    var takesCertificates: Bool { key != nil }

    /// - Parameter certificate: the worker's, in PEM; `nil` before it has any.
    func configuration(showing certificate: String?) -> TLSConfiguration {
        current.withLock { current in
            if current.certificate != certificate { current = (certificate, made(showing: certificate)) }
            return current.configuration
        }
    }

    /// A certificate that cannot be used is not shown: the control plane then says what it thinks of that.
    private func made(showing certificate: String?) -> TLSConfiguration {
        guard let certificate, let key, let keyPEM = try? key.pem(),
            let chain = try? NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)),
            let privateKey = try? NIOSSLPrivateKey(bytes: Array(keyPEM.utf8), format: .pem)
        else { return base }
        var configuration = base
        configuration.certificateChain = chain.map { .certificate($0) }
        configuration.privateKey = .privateKey(privateKey)
        return configuration
    }
}
