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

    /// - Parameter authorities: PEM. Absent: the system's, as OpenSSL is told of them (`SSL_CERT_FILE`, `SSL_CERT_DIR`, or where
    ///   the system has them). Of a directory, it reads what it needs when it needs it.
    private func trust(_ authorities: String?) throws(TLSFault) {
        guard let authorities else {
            guard SSL_CTX_set_default_verify_paths(pointer) == 1 else { throw .last("the system has no authorities") }
            return
        }
        let trusted = try TLSCertificates(Array(authorities.utf8))
        guard !trusted.pointers.isEmpty else { throw TLSFault(description: "there is no authority") }
        let store = SSL_CTX_get_cert_store(pointer)
        for authority in trusted.pointers where X509_STORE_add_cert(store, authority) != 1 {
            throw .last("the authority is not fit")
        }
    }

    /// By ALPN (RFC 7301 §3.1).
    private func offer(_ name: String) throws(TLSFault) {
        let list = [UInt8(name.utf8.count)] + Array(name.utf8)
        // Zero is success here.
        guard SSL_CTX_set_alpn_protos(pointer, list, UInt32(list.count)) == 0 else { throw .last("no memory") }
    }
}

#endif
