// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import COpenSSL
import Testing
import TurnpikeModel
import TurnpikeProxyCore

@testable import TurnpikeProxy

/// The client's side of a session, with a server that is in the test's hands.
@Suite struct TLSClientSessionTests {
    private static let certificate = Result { try TestCertificate.make("orders.internal") }

    private func wire(
        _ authority: ServerCertificate?, speaksHTTP2: Bool = false, verifies: Bool = true
    ) -> UpstreamWire {
        let authorities = authority.map { String(decoding: $0.chain, as: UTF8.self) }
        return UpstreamWire(
            speaksHTTP2: speaksHTTP2, tls: UpstreamTLS(authorities: authorities, verifies: verifies))
    }

    private func client(
        _ certificate: ServerCertificate, host: String = "orders.internal", speaksHTTP2: Bool = false
    ) throws -> ClientEnd {
        try ClientEnd(TLSContext(for: wire(certificate, speaksHTTP2: speaksHTTP2), showing: nil), towards: host)
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func `bytes go both ways, and what comes without plaintext is silence`(version: Int32) throws {
        let certificate = try Self.certificate.get()
        let (client, server) = (try client(certificate), try OpenSSLServerEnd(certificate, version: version))
        client.shakeHands(with: server)
        #expect(client.session.isEstablished && client.takePlaintext().isEmpty && client.end == nil)
        #expect(server.askedFor == "orders.internal")
        server.sendTicket()
        let ticket = server.takeWords()
        #expect(ticket.isEmpty == (version == TLS1_2_VERSION))
        client.hear(ticket)
        #expect(client.takePlaintext().isEmpty && client.end == nil)
        server.say(Array("hello".utf8))
        client.hear(server.takeWords())
        #expect(client.takePlaintext() == Array("hello".utf8))
    }

    @Test func `a server says goodbye, and is heard until then`() throws {
        let certificate = try Self.certificate.get()
        let (client, server) = (try client(certificate), try OpenSSLServerEnd(certificate))
        client.shakeHands(with: server)
        server.say([1, 2, 3])
        server.sayGoodbye()
        client.hear(server.takeWords())
        #expect(client.takePlaintext() == [1, 2, 3] && client.end == .goodbye && client.session.fault == nil)
    }

    @Test(
        arguments: [
            ("orders.internal", "orders.internal", true), ("orders.internal", "ORDERS.internal", true),
            ("orders.internal", "xorders.internal", false), ("orders.internal", "orders.internal.test", false),
            ("*.acme.internal", "orders.acme.internal", true), ("*.acme.internal", "acme.internal", false),
            ("*.acme.internal", "a.orders.acme.internal", false), ("ord*.acme.internal", "orders.acme.internal", false),
            // Whom it would speak for is nobody's alone.
            ("*.internal", "orders.internal", false),
            ("10.0.0.1", "10.0.0.1", true), ("10.0.0.1", "10.0.0.10", false), ("::1", "::1", true),
            ("::1", "0:0:0:0:0:0:0:1", true), ("orders.internal", "10.0.0.1", false),
        ])
    func `a certificate proves its names and addresses, and nothing else`(
        name: String, host: String, proves: Bool
    ) throws {
        let certificate = try TestCertificate.make(name)
        let (client, server) = (try client(certificate, host: host), try OpenSSLServerEnd(certificate))
        client.shakeHands(with: server)
        #expect(client.session.isEstablished == proves && (client.end == .fault) == !proves)
        #expect((client.session.fault == nil) == proves)
        #expect(server.askedFor == (Host.isNumeric(host) ? nil : host))
    }

    @Test func `nothing is sent to who has not proved himself but why`() throws {
        let certificate = try Self.certificate.get()
        let client = try client(try TestCertificate.make("orders.internal"))
        let server = try OpenSSLServerEnd(certificate)
        client.shakeHands(with: server)
        #expect(client.session.fault?.description == "certificate verify failed: self-signed certificate")
        #expect(server.hasFailed && !client.says([1]))
    }

    @Test(arguments: [(true, "h2", true), (true, nil, false), (false, "http/1.1", false)] as [(Bool, String?, Bool)])
    func `what the wire says is offered, and nothing else`(offers: Bool, chosen: String?, isHTTP2: Bool) throws {
        let certificate = try Self.certificate.get()
        let client = try client(certificate, speaksHTTP2: offers)
        let server = try OpenSSLServerEnd(certificate, choosing: chosen)
        client.shakeHands(with: server)
        #expect(client.session.isEstablished && client.session.speaksHTTP2 == isHTTP2)
        #expect(server.offered == (offers ? ["h2"] : ["http/1.1"]))
    }

    @Test func `TLS older than 1-2 is not spoken`() throws {
        let certificate = try Self.certificate.get()
        let (client, server) = (try client(certificate), try OpenSSLServerEnd(certificate, version: TLS1_1_VERSION))
        client.shakeHands(with: server)
        #expect(!client.session.isEstablished)
    }

    @Test(arguments: ["no PEM", ""])
    func `authorities that cannot be read are refused`(text: String) {
        let wire = UpstreamWire(tls: UpstreamTLS(authorities: text))
        #expect(throws: TLSFault.self) { try TLSContext(for: wire, showing: nil) }
    }
}

/// A session, and what came of it.
private final class ClientEnd {
    let session: TLSSession
    private let wire = TLSWire(arrivingBytes: 64 << 10)
    private var plaintext: [UInt8] = []
    private(set) var end: TLSSession.End?

    init(_ context: TLSContext, towards host: String) throws {
        session = try #require(TLSSession(context, towards: host, wire: wire))
    }

    /// Until both are silent.
    func shakeHands(with server: OpenSSLServerEnd) {
        hear([])
        while true {
            let words = takeWords()
            if !words.isEmpty { server.hear(words) }
            let answer = server.takeWords()
            if !answer.isEmpty { hear(answer) }
            if words.isEmpty, answer.isEmpty { return }
        }
    }

    func hear(_ ciphertext: [UInt8]) {
        ciphertext.withUnsafeBytes { bytes in
            let reception = session.decrypt(bytes)
            plaintext += reception.plaintext
            if let end = reception.end { self.end = end }
        }
    }

    /// - Returns: whether the session is good for it.
    func says(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { bytes in
            let gather = Gather()
            gather.append(bytes)
            return session.encrypt(gather)
        }
    }

    func takePlaintext() -> [UInt8] {
        defer { plaintext = [] }
        return plaintext
    }

    private func takeWords() -> [UInt8] {
        var bytes: [UInt8] = []
        wire.depart { $0.drain { bytes += $0 } }
        return bytes
    }
}

#endif
