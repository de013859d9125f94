// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import COpenSSL
import TurnpikeModel

/// One side of a TLS connection (RFC 8446; RFC 5246 for TLS 1.2), without I/O: ciphertext in, plaintext out, and the other way.
/// What is to be sent stands in its ``TLSWire`` after each call. Confined to its loop.
///
/// Nobody can renegotiate, nor send early data. Between events it holds a record that has come in part, and no other
/// buffer.
final class TLSSession {
    /// What some ciphertext has come to.
    struct Reception {
        /// Good until the event is over; it came before what ended the session.
        var plaintext: UnsafeRawBufferPointer
        var end: End?
    }

    enum End {
        /// The peer will send no more, and has said so (close_notify, RFC 8446 §6.1).
        case goodbye
        /// Of no use any more. The peer is told why.
        case fault
    }

    /// Looks at what came in one event that find no plaintext. To be asked for new keys (KeyUpdate) takes two of them, and costs
    /// more than asking does.
    private static let mostFruitless = 64
    /// Bytes that TLS itself answers within a session: who asks for new keys, or to renegotiate, and takes no answers would
    /// fill the memory with them.
    private static let mostOwnBytes = 128 << 10

    private let ssl: OpaquePointer
    private let wire: TLSWire
    /// Whether the handshake is done.
    private(set) var isEstablished = false
    /// Why it is of no use any more.
    private(set) var fault: TLSFault?
    private var ownBytes = 0

    /// - Returns: nil where there is no memory.
    init?(_ context: TLSContext, wire: TLSWire) {
        guard let made = SSL_new(context.pointer) else { return nil }
        ssl = made
        self.wire = wire
        guard let end = wire.makeEnd() else { return nil }
        SSL_set_bio(ssl, end, end)
        switch context.role {
        case .server: SSL_set_accept_state(ssl)
        case .client: SSL_set_connect_state(ssl)
        }
    }

    /// A client's. It begins to speak when it is first given what came, which is nothing.
    ///
    /// - Parameter host: the name or address that the server has to prove, where it has to prove one (RFC 9110 §4.3.4).
    /// - Returns: nil where there is no memory, or no certificate could prove that.
    convenience init?(_ context: TLSContext, towards host: String, wire: TLSWire) {
        self.init(context, wire: wire)
        guard expect(host) else { return nil }
    }

    /// A server is told which name it is asked for, never an address (RFC 6066 §3).
    private func expect(_ host: String) -> Bool {
        if Host.isNumeric(host) { return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1 }
        // A wildcard stands for a whole label (RFC 9525 §6.3), and the subject for nothing: authorities may vouch for other names
        // than those it holds (§2, §6.3).
        SSL_set_hostflags(ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
        return SSL_set1_host(ssl, host) == 1 && COpenSSLAskForName(ssl, host) == 1
    }

    deinit { SSL_free(ssl) }

    /// What both have agreed on within TLS is HTTP/2.
    var speaksHTTP2: Bool {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &name, &count)
        return UnsafeBufferPointer(start: name, count: Int(count)).elementsEqual("h2".utf8)
    }

    // MARK: - Reading

    /// Takes all that came.
    func decrypt(_ ciphertext: UnsafeRawBufferPointer) -> Reception {
        wire.reading(ciphertext) {
            let wasEstablished = isEstablished
            var filled = 0
            var end = readAll(filling: &filled)
            if !isEstablished { isEstablished = SSL_is_init_finished(ssl) == 1 }
            if wasEstablished {
                ownBytes += wire.departingBytes
                if ownBytes > Self.mostOwnBytes { end = end ?? fail() }
            }
            return Reception(plaintext: UnsafeRawBufferPointer(rebasing: wire.plaintext[..<filled]), end: end)
        }
    }

    private func readAll(filling filled: inout Int) -> End? {
        var fruitless = 0
        while fruitless <= Self.mostFruitless {
            let room = UnsafeMutableRawBufferPointer(rebasing: wire.plaintext[filled...])
            // What an earlier call has left there, SSL_get_error would take for this one's.
            ERR_clear_error()
            let count = SSL_read(ssl, room.baseAddress, Int32(clamping: room.count))
            if count > 0 {
                filled += Int(count)
                // Another look would find nothing.
                if wire.arrived.isEmpty, SSL_pending(ssl) == 0 { return nil }
            } else {
                if let end = end(of: count) { return end }
                if wire.arrived.isEmpty { return nil }
                fruitless += 1
            }
        }
        return fail()
    }

    private func end(of count: Int32) -> End? {
        switch SSL_get_error(ssl, count) {
        case SSL_ERROR_WANT_READ: nil
        case SSL_ERROR_ZERO_RETURN: .goodbye
        default: fail()
        }
    }

    private func fail() -> End {
        fault = fault ?? .last(of: ssl)
        ERR_clear_error()
        return .fault
    }

    // MARK: - Writing

    /// Takes all that was gathered, in records as large as they may be.
    ///
    /// - Returns: false where the session is of no use any more.
    func encrypt(_ gathered: Gather) -> Bool {
        var filled = 0
        gathered.drain { piece in
            var piece = piece[...]
            while !piece.isEmpty {
                let part = piece.prefix(TLSWire.recordBytes - filled)
                if part.count == TLSWire.recordBytes {
                    write(UnsafeRawBufferPointer(rebasing: part))
                } else {
                    UnsafeMutableRawBufferPointer(rebasing: wire.record[filled...]).copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: part))
                    filled += part.count
                }
                if filled == TLSWire.recordBytes {
                    write(UnsafeRawBufferPointer(wire.record))
                    filled = 0
                }
                piece = piece.dropFirst(part.count)
            }
        }
        if filled > 0 { write(UnsafeRawBufferPointer(rebasing: wire.record[..<filled])) }
        return fault == nil
    }

    /// The wire takes everything, so a write is whole or fails for good; also amid a message of the handshake's that has come in
    /// part, which is rare enough not to keep content for.
    private func write(_ content: UnsafeRawBufferPointer) {
        guard fault == nil else { return }
        ERR_clear_error()
        if SSL_write(ssl, content.baseAddress, Int32(clamping: content.count)) <= 0 { _ = fail() }
    }

    /// Tells the peer, once, that nothing more will be sent (close_notify).
    func sayGoodbye() {
        guard isEstablished, fault == nil, SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN == 0 else { return }
        ERR_clear_error()
        _ = SSL_shutdown(ssl)
    }
}

#endif
