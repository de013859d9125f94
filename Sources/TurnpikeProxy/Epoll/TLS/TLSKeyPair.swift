// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import COpenSSL

/// A certificate, the chain that leads to who vouches for it, and its key, as OpenSSL holds them. Safe from any thread.
final class TLSKeyPair: @unchecked Sendable {
    // Invariant: nothing is set after `init`; contexts that show it on several threads count their references to what is behind
    // the pointers (openssl-threads(7)), and change nothing of it.
    let certificate: OpaquePointer
    /// The certificates of those who vouch for it.
    let issuers: ArraySlice<OpaquePointer>
    let key: OpaquePointer
    /// Holds what the pointers above lead to.
    private let chain: TLSCertificates

    /// - Parameters:
    ///   - chain: PEM, the certificate itself first.
    ///   - key: PEM.
    /// - Throws: where either cannot be read, or they do not belong together.
    init(chain: [UInt8], key: [UInt8]) throws(TLSFault) {
        self.chain = try TLSCertificates(chain)
        guard let own = self.chain.pointers.first else { throw TLSFault(description: "there is no certificate") }
        certificate = own
        issuers = self.chain.pointers.dropFirst()
        ERR_clear_error()
        guard let read = TLSCertificates.withMemory(key, { PEM_read_bio_PrivateKey($0, nil, withoutPassphrase, nil) })
        else { throw .last("there is no key") }
        guard X509_check_private_key(own, read) == 1 else {
            EVP_PKEY_free(read)
            throw .last("the key is not the certificate's")
        }
        self.key = read
    }

    deinit { EVP_PKEY_free(key) }
}

/// Certificates out of a PEM file, in its order. Safe from any thread, as ``TLSKeyPair`` is.
final class TLSCertificates: @unchecked Sendable {
    // Invariant: nothing is set after `init`.
    let pointers: [OpaquePointer]

    /// - Throws: where there is anything that cannot be read. None at all is no fault.
    init(_ pem: [UInt8]) throws(TLSFault) {
        ERR_clear_error()
        pointers = Self.withMemory(pem) { memory in
            var found: [OpaquePointer] = []
            while let next = PEM_read_bio_X509(memory, nil, withoutPassphrase, nil) { found.append(next) }
            return found
        }
        // Reading ends with a fault: in the best case that there are no more.
        guard ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE else { throw .last("the chain is no PEM") }
        ERR_clear_error()
    }

    deinit { for certificate in pointers { X509_free(certificate) } }

    fileprivate static func withMemory<Result>(_ bytes: [UInt8], _ body: (OpaquePointer?) -> Result) -> Result {
        bytes.withUnsafeBytes { bytes in
            let memory = BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count))
            defer { BIO_free(memory) }
            return body(memory)
        }
    }
}

/// Otherwise OpenSSL would ask for one at the terminal.
private let withoutPassphrase:
    @convention(c) (
        UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?
    ) -> Int32 = { _, _, _, _ in -1 }

#endif
