// SPDX-License-Identifier: Apache-2.0

import NIOSSL

/// A certificate's chain and its key, in the form that handshakes need.
final class KeyPair: Sendable {
    let chain: [NIOSSLCertificateSource]
    let key: NIOSSLPrivateKeySource

    /// - Parameters:
    ///   - chain: PEM, the certificate itself first.
    ///   - key: PEM.
    /// - Throws: where either cannot be read. Whether they belong together shows once a context is made of them.
    init(chain: [UInt8], key: [UInt8]) throws {
        self.chain = try NIOSSLCertificate.fromPEMBytes(chain).map { .certificate($0) }
        self.key = .privateKey(try NIOSSLPrivateKey(bytes: key, format: .pem))
    }
}
