// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import COpenSSL

extension TLSContext {
    /// What serves clients to whom one certificate is shown, with HTTP/2 or HTTP/1.1 within.
    ///
    /// Sessions are resumed by tickets that only it can read, so that nothing is kept of a client who has left; where a
    /// certificate was renewed, tickets from before lead to a whole handshake.
    ///
    /// - Throws: where the chain or the key cannot be read, or they do not belong together.
    convenience init(showing certificate: ServerCertificate) throws(TLSFault) {
        try self.init(as: .server)
        try show(TLSKeyPair(chain: certificate.chain, key: certificate.key))
        SSL_CTX_set_alpn_select_cb(pointer, Self.selectProtocol, nil)
    }

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
