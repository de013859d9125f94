// SPDX-License-Identifier: Apache-2.0

import NIOSSL

/// A certificate that was found fit to be shown, in the form that handshakes need. Made once, and shown for as long as it is the
/// same, whatever changes beside it.
public struct ReadyCertificate: Sendable {
    let names: [String]
    let isDefault: Bool
    let shown: ServerCertificates.Shown

    /// - Throws: where chain or key cannot be read, or do not belong together.
    public init(_ certificate: ServerCertificate) throws(CertificateFailure) {
        names = certificate.names
        isDefault = certificate.isDefault
        do {
            let nio = try NIOSSLContext.showing(certificate)
            #if os(Linux)
            shown = ServerCertificates.Shown(nio: nio, epoll: try TLSContext(showing: certificate))
            #else
            shown = ServerCertificates.Shown(nio: nio)
            #endif
        } catch {
            throw CertificateFailure(source: certificate.source, cause: error)
        }
    }
}
