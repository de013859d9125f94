// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import NIOCore
import NIOEmbedded
import NIOSSL
import NIOTLS
import Testing

@testable import TurnpikeProxy

/// A session and a client of another make, with nothing between them.
@Suite struct TLSSessionTests {
    private static let certificate = Result { try TestCertificate.make("api.acme.test") }

    private static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) } }

    @Test(arguments: [TLSVersion.tlsv12, .tlsv13])
    func `bytes go both ways, whole and in order`(version: TLSVersion) throws {
        let pair = try TLSPair(Self.certificate.get(), version: version)
        try pair.settle()
        #expect(pair.session.isEstablished)
        let (up, down) = (Self.bytes(100_000), Self.bytes(300_000))
        try pair.send(up)
        try pair.settle()
        #expect(pair.received == up)
        #expect(pair.answer([down]))
        try pair.settle()
        #expect(try pair.heard() == down)
    }

    @Test func `ciphertext may come byte by byte`() throws {
        let pair = try TLSPair(Self.certificate.get())
        try pair.settle(inPiecesOf: 1)
        try pair.send(Self.bytes(20_000))
        try pair.settle(inPiecesOf: 1)
        #expect(pair.received == Self.bytes(20_000) && pair.ends.isEmpty)
    }

    @Test func `pieces that are gathered make full records`() throws {
        let pair = try TLSPair(Self.certificate.get())
        try pair.settle()
        let pieces = [Self.bytes(200), Self.bytes(7), Self.bytes(40_000)]
        #expect(pair.answer(pieces))
        // Each record costs a header, the type of its content and a tag (RFC 8446 §5.2).
        #expect(pair.departing() == 40_207 + 3 * (5 + 1 + 16))
        #expect(pair.answer([Self.bytes(200), Self.bytes(7)]))
        #expect(pair.departing() == 207 + 22)
    }

    @Test(
        arguments: [
            ([], nil), (["h2"], "h2"), (["http/1.1", "h2"], "h2"), (["spdy/3", "http/1.1"], "http/1.1"), (["h2c"], nil),
        ] as [([String], String?)])
    func `HTTP/2 goes before HTTP/1.1, and what is not offered is not chosen`(
        offers: [String], chosen: String?
    ) throws {
        let pair = try TLSPair(Self.certificate.get(), offering: offers)
        try pair.settle()
        #expect(pair.session.isEstablished && pair.chosen == chosen)
        #expect(pair.session.speaksHTTP2 == (chosen == "h2"))
    }

    @Test func `TLS older than 1.2 is refused`() throws {
        let pair = try TLSPair(Self.certificate.get(), version: .tlsv11)
        #expect(throws: (any Error).self) { try pair.settle() }
        #expect(pair.ends == [.fault] && !pair.session.isEstablished)
    }

    @Test(arguments: [TLSVersion.tlsv12, .tlsv13])
    func `a client that has said goodbye still hears all, and the goodbye`(version: TLSVersion) throws {
        let pair = try TLSPair(Self.certificate.get(), version: version, halfCloses: true)
        try pair.settle()
        try pair.send(Self.bytes(10))
        pair.client.close(mode: .output, promise: nil)
        try pair.settle()
        #expect(pair.received == Self.bytes(10) && pair.ends == [.goodbye])
        #expect(pair.answer([Self.bytes(50_000)]))
        pair.session.sayGoodbye()
        pair.session.sayGoodbye()
        try pair.settle()
        #expect(try pair.heard() == Self.bytes(50_000) && pair.hasHeardGoodbye)
    }

    @Test func `what came before the ciphertext was damaged counts, and the client is told why it is cut off`() throws {
        let pair = try TLSPair(Self.certificate.get())
        try pair.settle()
        try pair.send(Self.bytes(10))
        try pair.send(Self.bytes(20))
        #expect(throws: (any Error).self) { try pair.settle(damagingLast: true) }
        #expect(pair.received == Self.bytes(10) && pair.ends == [.fault])
        #expect(!pair.answer([Self.bytes(10)]))
    }

    @Test func `what one session has failed by is not held against another`() throws {
        let certificate = try Self.certificate.get()
        let (good, bad) = (try TLSPair(certificate), try TLSPair(certificate))
        try good.settle()
        try bad.settle()
        try bad.send(Self.bytes(10))
        #expect(throws: (any Error).self) { try bad.settle(damagingLast: true) }
        try good.send(Self.bytes(10))
        try good.settle()
        #expect(good.received == Self.bytes(10) && good.ends.isEmpty)
    }

    @Test(arguments: ["no PEM", "no key", "another's key", "a key behind a passphrase"])
    func `a certificate that cannot be shown is refused`(what: String) throws {
        var certificate = try Self.certificate.get()
        switch what {
        case "no PEM": certificate.chain = Array("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8)
        case "no key": certificate.key = certificate.chain
        case "another's key": certificate.key = try TestCertificate.make("other.test").key
        default: certificate.key = Array(Self.lockedKey.utf8)
        }
        #expect(throws: TLSFault.self) { try TLSContext(showing: certificate) }
    }

    /// Asking for the passphrase at the terminal would hold up the gateway.
    private static let lockedKey = """
        -----BEGIN ENCRYPTED PRIVATE KEY-----
        MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAh9olODvM0WMAICCAAw
        DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEPmFiBWGEtIJpGH+I+R4dPUEgZA2
        VEzz80UTOqUbCSDyrjWcwuauSWVK/MgcOPa+yLM7NbpV5KitWRW5yV+pKwJQojIl
        eJNm7wrbRK+rbI5SKMq9ZNoNqSJ3fcU6hZVEH2U10z6RI67xa2nN64aj2wxhl/TZ
        IF6Os22un/Y6+jn919R0MM4MflB0lqICPBfbIZfcUECFi/KQBMD843csUTjJbNo=
        -----END ENCRYPTED PRIVATE KEY-----
        """
}

/// The two ends of one connection.
private final class TLSPair {
    let client = EmbeddedChannel()
    let session: TLSSession
    private let wire = TLSWire(arrivingBytes: 64 << 10)
    /// What the session has read.
    private(set) var received: [UInt8] = []
    private(set) var ends: [TLSSession.End] = []
    private let watch = Watch()

    /// By ALPN.
    var chosen: String? { watch.chosen }
    var hasHeardGoodbye: Bool { watch.hasHeardGoodbye }

    private static func clientContext(offering protocols: [String], version: TLSVersion) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = protocols
        configuration.minimumTLSVersion = version
        configuration.maximumTLSVersion = version
        return try NIOSSLContext(configuration: configuration)
    }

    init(
        _ certificate: ServerCertificate, offering protocols: [String] = ["h2", "http/1.1"],
        version: TLSVersion = .tlsv13, halfCloses: Bool = false
    ) throws {
        session = try #require(TLSSession(TLSContext(showing: certificate), wire: wire))
        let context = try Self.clientContext(offering: protocols, version: version)
        try client.syncOptions?.setOption(.allowRemoteHalfClosure, value: halfCloses)
        try client.pipeline.syncOperations.addHandlers([
            HalfClosing(), NIOSSLClientHandler(context: context, serverHostname: "api.acme.test"), watch,
        ])
        client.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 443), promise: nil)
    }

    func send(_ bytes: [UInt8]) throws { client.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }

    /// - Returns: whether the session is good for it.
    func answer(_ pieces: [[UInt8]]) -> Bool {
        let memory = pieces.map { piece in
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: piece.count, alignment: 1)
            memory.copyBytes(from: piece)
            return memory
        }
        defer { for piece in memory { piece.deallocate() } }
        let gather = Gather()
        for piece in memory { gather.append(UnsafeRawBufferPointer(piece)) }
        return session.encrypt(gather)
    }

    /// Bytes that were to be sent; they get lost.
    func departing() -> Int { takeDeparting().count }

    /// Passes on what either side has to say until both are silent.
    func settle(inPiecesOf size: Int = .max, damagingLast: Bool = false) throws {
        var isSilent = false
        while !isSilent {
            isSilent = true
            var messages: [[UInt8]] = []
            while let out = try client.readOutbound(as: ByteBuffer.self) { messages.append(Array(buffer: out)) }
            if damagingLast, let last = messages.indices.last, let place = messages[last].indices.last {
                messages[last][place] ^= 1
            }
            for message in messages {
                isSilent = false
                for start in stride(from: 0, to: message.count, by: min(size, 32 << 10)) {
                    take(Array(message[start..<min(message.count, start + min(size, 32 << 10))]))
                }
            }
            let answer = takeDeparting()
            if !answer.isEmpty {
                isSilent = false
                try client.writeInbound(ByteBuffer(bytes: answer))
            }
            client.embeddedEventLoop.run()
        }
    }

    private func take(_ ciphertext: [UInt8]) {
        ciphertext.withUnsafeBytes { bytes in
            let reception = session.decrypt(bytes)
            received += reception.plaintext
            if let end = reception.end { ends.append(end) }
        }
    }

    private func takeDeparting() -> [UInt8] {
        var bytes: [UInt8] = []
        wire.depart { $0.drain { bytes += $0 } }
        return bytes
    }

    /// What the client has read.
    func heard() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let next = try client.readInbound(as: ByteBuffer.self) { bytes += Array(buffer: next) }
        return bytes
    }

    /// An embedded channel cannot close one of its sides.
    private final class HalfClosing: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer

        func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            if case .output = mode { promise?.succeed() } else { context.close(mode: mode, promise: promise) }
        }
    }

    private final class Watch: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        var chosen: String?
        var hasHeardGoodbye = false

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case .handshakeCompleted(let chosen)? = event as? TLSUserEvent { self.chosen = chosen }
            if case .inputClosed? = event as? ChannelEvent { hasHeardGoodbye = true }
        }
    }
}

#endif
