// SPDX-License-Identifier: Apache-2.0

import NIOSSL

/// A certificate that was found fit to be shown to upstreams, in the form that each transport's handshakes need. One that was
/// renewed is another.
final class ReadyClientCertificate: Sendable {
    let nio: KeyPair
    #if os(Linux)
    let epoll: TLSKeyPair
    #endif

    /// - Throws: where chain or key cannot be read, or do not belong together.
    init(_ certificate: ClientCertificate) throws(CertificateFailure) {
        do {
            nio = try KeyPair(chain: certificate.chain, key: certificate.key)
            #if os(Linux)
            epoll = try TLSKeyPair(chain: certificate.chain, key: certificate.key)
            // As below; and whether the system takes them to be strong enough.
            try TLSContext(as: .client).show(epoll)
            #endif
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateVerification = .none
            configuration.certificateChain = nio.chain
            configuration.privateKey = nio.key
            // Only to see now, rather than with the first request, whether they belong together.
            _ = try NIOSSLContext(configuration: configuration)
        } catch {
            throw CertificateFailure(source: certificate.source, cause: error)
        }
    }
}
