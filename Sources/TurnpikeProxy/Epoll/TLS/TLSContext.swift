// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import COpenSSL
import NIOSSL

/// By what OpenSSL makes ``TLSSession``s of one kind: TLS 1.2 and newer (RFC 9325). Safe from any thread.
///
/// Key exchange and the ciphers of TLS 1.3 are the system's choice.
final class TLSContext: @unchecked Sendable {
    // Invariant: nothing is set once it is handed out; what sessions on several threads share of it, OpenSSL guards itself
    // (openssl-threads(7)).
    let pointer: OpaquePointer
    let role: Role

    /// Which side of a connection the gateway is.
    enum Role: Sendable { case server, client }

    /// What both roles have in common.
    init(as role: Role) throws(TLSFault) {
        ERR_clear_error()
        guard let made = SSL_CTX_new(role == .server ? TLS_server_method() : TLS_client_method()) else {
            throw .last("no memory")
        }
        pointer = made
        self.role = role
        // The same as on SwiftNIO.
        guard COpenSSLSetMinimumVersion(made, TLS1_2_VERSION) == 1,
            SSL_CTX_set_cipher_list(made, defaultCipherSuites) == 1
        else { throw .last("no version or no cipher that both have") }
        SSL_CTX_set_options(made, COpenSSLOptions)
        // Buffers of a connection that is idle are given back.
        COpenSSLSetMode(made, Int(SSL_MODE_RELEASE_BUFFERS))
        // Records that are no plaintext are seen one by one.
        COpenSSLClearMode(made, Int(SSL_MODE_AUTO_RETRY))
        COpenSSLSetSessionCache(made, Int(SSL_SESS_CACHE_OFF))
    }

    deinit { SSL_CTX_free(pointer) }

    func show(_ pair: TLSKeyPair) throws(TLSFault) {
        guard SSL_CTX_use_certificate(pointer, pair.certificate) == 1 else { throw .last("the certificate is not fit") }
        for issuer in pair.issuers where COpenSSLAddToChain(pointer, issuer) != 1 {
            throw .last("the chain is not fit")
        }
        guard SSL_CTX_use_PrivateKey(pointer, pair.key) == 1 else { throw .last("the key is not fit") }
    }
}

#endif
