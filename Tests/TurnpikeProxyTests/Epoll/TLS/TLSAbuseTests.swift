// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import COpenSSL
import Testing

@testable import TurnpikeProxy

/// What TLS lets a client waste of a server is bounded.
@Suite struct TLSAbuseTests {
    @Test func `who tries to renegotiate is told that there is no such thing`() throws {
        let client = try OpenSSLEnd(version: TLS1_2_VERSION)
        let server = try ServerEnd(for: client)
        client.renegotiate()
        server.hear(client.takeWords())
        // An alert of TLS 1.2: a header, a nonce, two bytes and a tag.
        #expect(server.end == nil && server.takeWords().count == 5 + 8 + 2 + 16)
    }

    @Test(arguments: [(32, nil), (65, .fault), (2000, .fault)] as [(Int, TLSSession.End?)])
    func `new keys can be asked for some times at once, and no more`(times: Int, end: TLSSession.End?) throws {
        let client = try OpenSSLEnd(version: TLS1_3_VERSION)
        let server = try ServerEnd(for: client)
        client.askForKeys(times: times)
        // What follows tells that these were not all.
        client.say([1])
        server.hear(client.takeWords())
        #expect(server.end == end)
        #expect(server.takeWords().count < 66 * 27)
    }

    @Test func `who asks for new keys on and on is cut off, whatever else is said`() throws {
        let client = try OpenSSLEnd(version: TLS1_3_VERSION)
        let server = try ServerEnd(for: client)
        var answers = 0
        for _ in 0..<1000 where server.end == nil {
            client.askForKeys(times: 20)
            client.say([1])
            server.hear(client.takeWords())
            answers += server.takeWords().count
        }
        #expect(server.end == .fault && answers < 130 << 10)
    }
}

/// A session, and what became of it.
private final class ServerEnd {
    let session: TLSSession
    private let wire = TLSWire(arrivingBytes: 64 << 10)
    private(set) var end: TLSSession.End?

    /// The handshake is done then.
    init(for client: OpenSSLEnd) throws {
        session = try #require(TLSSession(TLSContext(showing: Entrance.certificate.get()), wire: wire))
        while !client.shakeHands() {
            let words = client.takeWords()
            if !words.isEmpty { hear(words) }
            client.hear(takeWords())
        }
        hear(client.takeWords())
        client.hear(takeWords())
    }

    func hear(_ ciphertext: [UInt8]) {
        for start in stride(from: 0, to: ciphertext.count, by: 32 << 10) {
            ciphertext[start..<min(ciphertext.count, start + 32 << 10)].withUnsafeBytes {
                if let end = session.decrypt($0).end { self.end = end }
            }
        }
    }

    func takeWords() -> [UInt8] {
        var bytes: [UInt8] = []
        wire.depart { $0.drain { bytes += $0 } }
        return bytes
    }
}

/// A client that can do what others are not let do, and has no socket.
private final class OpenSSLEnd {
    private let context: OpaquePointer
    private let ssl: OpaquePointer
    private let heard: OpaquePointer
    private let said: OpaquePointer

    init(version: Int32) throws {
        context = try #require(SSL_CTX_new(TLS_client_method()))
        _ = SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(version), nil)
        _ = SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(version), nil)
        ssl = try #require(SSL_new(context))
        heard = try #require(BIO_new(BIO_s_mem()))
        said = try #require(BIO_new(BIO_s_mem()))
        SSL_set_bio(ssl, heard, said)
        SSL_set_connect_state(ssl)
    }

    deinit {
        SSL_free(ssl)
        SSL_CTX_free(context)
    }

    /// - Returns: whether it is done. There may be words left to be taken.
    func shakeHands() -> Bool { SSL_do_handshake(ssl) == 1 }

    func renegotiate() {
        _ = SSL_renegotiate(ssl)
        _ = SSL_do_handshake(ssl)
    }

    /// By KeyUpdate (RFC 8446 §4.6.3).
    func askForKeys(times: Int) {
        for _ in 0..<times {
            _ = SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED)
            _ = SSL_do_handshake(ssl)
        }
    }

    func say(_ bytes: [UInt8]) { _ = SSL_write(ssl, bytes, Int32(bytes.count)) }

    func hear(_ bytes: [UInt8]) { _ = BIO_write(heard, bytes, Int32(bytes.count)) }

    func takeWords() -> [UInt8] {
        let waiting = Int(BIO_ctrl_pending(said))
        return [UInt8](unsafeUninitializedCapacity: waiting) { buffer, count in
            count = max(0, Int(BIO_read(said, buffer.baseAddress, Int32(waiting))))
        }
    }
}

#endif
