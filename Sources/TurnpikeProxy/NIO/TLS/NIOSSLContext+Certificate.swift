// SPDX-License-Identifier: Apache-2.0

import NIOSSL

extension NIOSSLContext {
    /// What shows a certificate to clients, with TLS 1.2 and newer, and HTTP/2 before HTTP/1.1 (ALPN, RFC 7301).
    static func showing(_ certificate: ServerCertificate) throws -> NIOSSLContext {
        let pair = try KeyPair(chain: certificate.chain, key: certificate.key)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: pair.chain, privateKey: pair.key)
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["h2", "http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }
}
