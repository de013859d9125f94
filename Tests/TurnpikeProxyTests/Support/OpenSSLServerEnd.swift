// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import COpenSSL
import Testing

@testable import TurnpikeProxy

/// A server of TLS that has no socket, and does what a test wants.
final class OpenSSLServerEnd {
    private let context: TLSContext
    private let ssl: OpaquePointer
    private let heard: OpaquePointer
    private let said: OpaquePointer
    private let choice: Choice
    /// It has been told that it is of no use, or has found so itself.
    private(set) var hasFailed = false

    /// - Parameters:
    ///   - version: the only one that it speaks.
    ///   - chosen: by ALPN, whatever it is offered; nil says nothing of it.
    init(_ certificate: ServerCertificate, version: Int32 = TLS1_3_VERSION, choosing chosen: String? = nil) throws {
        context = try TLSContext(showing: certificate)
        choice = Choice(chosen)
        _ = SSL_CTX_ctrl(context.pointer, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(version), nil)
        _ = SSL_CTX_ctrl(context.pointer, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(version), nil)
        SSL_CTX_set_alpn_select_cb(context.pointer, Choice.select, Unmanaged.passUnretained(choice).toOpaque())
        ssl = try #require(SSL_new(context.pointer))
        heard = try #require(BIO_new(BIO_s_mem()))
        said = try #require(BIO_new(BIO_s_mem()))
        SSL_set_bio(ssl, heard, said)
        SSL_set_accept_state(ssl)
    }

    deinit { SSL_free(ssl) }

    /// The name that it was asked for.
    var askedFor: String? { SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) } }
    /// By ALPN.
    var offered: [String] { choice.offered }

    func hear(_ bytes: [UInt8]) {
        _ = BIO_write(heard, bytes, Int32(bytes.count))
        var content: [UInt8] = Array(repeating: 0, count: 1 << 14)
        ERR_clear_error()
        let count = SSL_read(ssl, &content, Int32(content.count))
        if count <= 0, SSL_get_error(ssl, count) == SSL_ERROR_SSL { hasFailed = true }
    }

    func say(_ bytes: [UInt8]) { _ = SSL_write(ssl, bytes, Int32(bytes.count)) }

    /// Of TLS 1.3 only (RFC 8446 §4.6.1).
    func sendTicket() {
        guard SSL_new_session_ticket(ssl) == 1 else { return }
        _ = SSL_do_handshake(ssl)
    }

    func sayGoodbye() { _ = SSL_shutdown(ssl) }

    func takeWords() -> [UInt8] {
        let waiting = Int(BIO_ctrl_pending(said))
        return [UInt8](unsafeUninitializedCapacity: waiting) { buffer, count in
            count = max(0, Int(BIO_read(said, buffer.baseAddress, Int32(waiting))))
        }
    }

    private final class Choice {
        // Invariant: never changed, and there for as long as the server.
        let chosen: UnsafeMutableBufferPointer<UInt8>
        var offered: [String] = []

        init(_ chosen: String?) {
            let name = Array((chosen ?? "").utf8)
            self.chosen = .allocate(capacity: name.count)
            _ = self.chosen.initialize(from: name)
        }

        deinit { chosen.deallocate() }

        static let select: SSL_CTX_alpn_select_cb_func = { _, chosen, chosenCount, offers, count, choice in
            guard let choice else { return SSL_TLSEXT_ERR_NOACK }
            let own = Unmanaged<Choice>.fromOpaque(choice).takeUnretainedValue()
            var list = Array(UnsafeBufferPointer(start: offers, count: Int(count)))[...]
            while let length = list.popFirst() {
                own.offered.append(String(decoding: list.prefix(Int(length)), as: UTF8.self))
                list = list.dropFirst(Int(length))
            }
            guard !own.chosen.isEmpty else { return SSL_TLSEXT_ERR_NOACK }
            chosen?.pointee = UnsafePointer(own.chosen.baseAddress)
            chosenCount?.pointee = UInt8(own.chosen.count)
            return SSL_TLSEXT_ERR_OK
        }
    }
}

#endif
