// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import COpenSSL
import TurnpikeModel
import TurnpikeProxyCore

extension TLSContext {
    static let towardsUpstreams = UpstreamTLSContexts<TLSContext> { try TLSContext(for: $0, showing: $1?.epoll) }

    /// What connects to upstreams as their wire says, by whatever name they go.
    ///
    /// - Throws: where the authorities cannot be read.
    convenience init(for wire: UpstreamWire, showing pair: TLSKeyPair?) throws(TLSFault) {
        try self.init(as: .client)
        if wire.tls?.verifies == false {
            SSL_CTX_set_verify(pointer, SSL_VERIFY_NONE, nil)
        } else {
            SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
            try trust(wire.tls?.authorities)
        }
        if let pair { try show(pair) }
        try offer(wire.speaksHTTP2 ? "h2" : "http/1.1")
    }

    /// - Parameter authorities: PEM. Absent: the system's.
    private func trust(_ authorities: String?) throws(TLSFault) {
        guard let authorities else { return SSL_CTX_set1_cert_store(pointer, Self.system) }
        let trusted = try TLSCertificates(Array(authorities.utf8))
        guard !trusted.pointers.isEmpty else { throw TLSFault(description: "there is no authority") }
        let store = SSL_CTX_get_cert_store(pointer)
        for authority in trusted.pointers where X509_STORE_add_cert(store, authority) != 1 {
            throw .last("the authority is not fit")
        }
    }

    // Invariant: set once and never changed. Contexts count their references to it, and OpenSSL guards what it looks up there.
    /// The authorities that OpenSSL is told of (`SSL_CERT_FILE`, `SSL_CERT_DIR`, or where the system has them), read once: they
    /// are many. Of a directory, it reads what it needs when it needs it.
    nonisolated(unsafe) private static let system: OpaquePointer? = {
        let store = X509_STORE_new()
        // Where there are none, nobody is trusted.
        X509_STORE_set_default_paths(store)
        return store
    }()

    /// By ALPN (RFC 7301 §3.1).
    private func offer(_ name: String) throws(TLSFault) {
        let list = [UInt8(name.utf8.count)] + Array(name.utf8)
        // Zero is success here.
        guard SSL_CTX_set_alpn_protos(pointer, list, UInt32(list.count)) == 0 else { throw .last("no memory") }
    }
}

#endif
