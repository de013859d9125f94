// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import COpenSSL
import NIOSSL

/// By what OpenSSL serves clients to whom one certificate is shown: TLS 1.2 and newer, HTTP/2 or HTTP/1.1 within. Safe from any thread.
///
/// Sessions are resumed by tickets that only it can read, so that nothing is kept of a client who has left; where a certificate
/// was renewed, tickets from before lead to a whole handshake. Key exchange and the ciphers of TLS 1.3 are the system's choice.
final class TLSContext: @unchecked Sendable {
    // Invariant: nothing is set after `init`; what sessions on several threads share of it, OpenSSL guards itself
    // (openssl-threads(7)).
    let pointer: OpaquePointer

    /// - Throws: where the chain or the key cannot be read, or they do not belong together.
    init(showing certificate: ServerCertificate) throws(TLSFault) {
        ERR_clear_error()
        guard let made = SSL_CTX_new(TLS_server_method()) else { throw .last("no memory") }
        pointer = made
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
        SSL_CTX_set_alpn_select_cb(made, Self.selectProtocol, nil)
        try show(certificate)
    }

    deinit { SSL_CTX_free(pointer) }

    // MARK: - Certificate

    private func show(_ certificate: ServerCertificate) throws(TLSFault) {
        var chain = try Self.certificates(in: certificate.chain)[...]
        defer { for left in chain { X509_free(left) } }
        guard let own = chain.popFirst() else { throw TLSFault(description: "there is no certificate") }
        defer { X509_free(own) }
        guard SSL_CTX_use_certificate(pointer, own) == 1 else { throw .last("the certificate is not fit") }
        while let issuer = chain.first {
            guard COpenSSLAddToChain(pointer, issuer) == 1 else { throw .last("the chain is not fit") }
            chain = chain.dropFirst()
        }
        guard let key = Self.withMemory(certificate.key, { PEM_read_bio_PrivateKey($0, nil, Self.noPassphrase, nil) })
        else { throw .last("there is no key") }
        defer { EVP_PKEY_free(key) }
        guard SSL_CTX_use_PrivateKey(pointer, key) == 1, SSL_CTX_check_private_key(pointer) == 1 else {
            throw .last("the key is not the certificate's")
        }
    }

    /// All of them, in order; whoever takes them frees them.
    private static func certificates(in pem: [UInt8]) throws(TLSFault) -> [OpaquePointer] {
        let found = withMemory(pem) { memory in
            var found: [OpaquePointer] = []
            while let next = PEM_read_bio_X509(memory, nil, noPassphrase, nil) { found.append(next) }
            return found
        }
        // Reading ends with a fault: in the best case that there are no more.
        guard ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE else {
            for certificate in found { X509_free(certificate) }
            throw .last("the chain is no PEM")
        }
        ERR_clear_error()
        return found
    }

    private static func withMemory<Result>(_ bytes: [UInt8], _ body: (OpaquePointer?) -> Result) -> Result {
        bytes.withUnsafeBytes { bytes in
            let memory = BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count))
            defer { BIO_free(memory) }
            return body(memory)
        }
    }

    /// Otherwise OpenSSL would ask at the terminal.
    private static let noPassphrase:
        @convention(c) (
            UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?
        ) -> Int32 = { _, _, _, _ in -1 }

    // MARK: - ALPN

    /// HTTP/2 where it is offered, else HTTP/1.1 (RFC 7301 §3.2); who offers other things only is not told that they were chosen.
    private static let selectProtocol: SSL_CTX_alpn_select_cb_func = { _, chosen, chosenCount, offers, count, _ in
        let offers = UnsafeBufferPointer(start: offers, count: Int(count))
        for wanted in ["h2", "http/1.1"] as [StaticString] {
            guard let name = offer(of: wanted, among: offers) else { continue }
            chosen?.pointee = name.baseAddress
            chosenCount?.pointee = UInt8(name.count)
            return SSL_TLSEXT_ERR_OK
        }
        return SSL_TLSEXT_ERR_NOACK
    }

    private static func offer(
        of wanted: StaticString, among offers: UnsafeBufferPointer<UInt8>
    ) -> UnsafeBufferPointer<UInt8>? {
        var offset = 0
        while offset < offers.count {
            let end = offset + 1 + Int(offers[offset])
            guard end <= offers.count else { return nil }
            let name = UnsafeBufferPointer(rebasing: offers[(offset + 1)..<end])
            if name.elementsEqual(UnsafeBufferPointer(start: wanted.utf8Start, count: wanted.utf8CodeUnitCount)) {
                return name
            }
            offset = end
        }
        return nil
    }
}

#endif
