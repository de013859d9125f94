// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Testing
import TurnpikeProxyCore
import TurnpikeSnapshot
import TurnpikeTelemetry

@testable import TurnpikeProxy

@Suite(.timeLimit(.minutes(1))) struct TLSServingTests {
    private static func resources(_ port: Int) -> [CompiledResource] { [Pieces.route(), Pieces.cluster(port)] }

    @Test(arguments: Transport.available)
    func `requests over TLS are served, and those in the clear beside them`(on transport: Transport) async throws {
        let origin = try await Origin.start()
        let certificates = [try TestCertificate.make("api.acme.test")]
        try await GatewayHarness.run(on: transport, Self.resources(origin.port), certificates: certificates) {
            gateway async throws in
            let client = try await RawClient.connect(port: gateway.securePort, serverName: "api.acme.test")
            for number in 1...3 {
                try await client.send(GatewayHarness.get("/v1/orders/\(number)"))
                #expect(try await client.response().text == "/v1/orders/\(number)")
            }
            #expect(try await gateway.get().status == 200)
            #expect(
                origin.requests.map { $0.head.contains("X-Forwarded-Proto: https\r\n") } == [true, true, true, false])
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `a port for TLS that is taken leaves the other one free`(on transport: Transport) async throws {
        let (free, other) = (try await RawServer.start(), try await RawServer.start())
        let port = free.port
        await free.stop()
        let certificates = try ServerCertificates([Entrance.certificate.get()])
        let taken = SecureListener(host: "127.0.0.1", port: other.port, certificates: certificates)
        await #expect(throws: (any Error).self) {
            try await start(GatewayOptions(port: port, transport: transport, secure: taken))
        }
        let server = try await start(GatewayOptions(port: port, transport: transport))
        #expect(server.port == port)
        await server.shutDown()
        await other.stop()
    }

    private func start(_ options: GatewayOptions) async throws -> GatewayServer {
        let usage = UsageInMemory()
        return try await GatewayServer.start(
            options: options, ledger: { _ in LoopLedger(recorder: usage, leases: NoLeases()) },
            digest: { Pieces.digest($0) }, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            metrics: MetricsRegistry())
    }

    @Test func `what is counted over all loops is counted over both listeners`() async throws {
        let origin = try await Origin.start()
        let resources = [
            Pieces.route(), Pieces.cluster(origin.port),
            Pieces.rateLimit(limit: 3, interval: .seconds(60)),
        ]
        let certificates = [try TestCertificate.make("api.acme.test")]
        try await GatewayHarness.run(on: .automatic, resources, loops: 2, certificates: certificates) {
            gateway async throws in
            #expect(try await gateway.get().status == 200)
            let client = try await RawClient.connect(port: gateway.securePort, serverName: "api.acme.test")
            for status in [200, 200, 429] {
                try await client.send(GatewayHarness.get())
                #expect(try await client.response().status == status)
            }
            #expect(try await gateway.get().status == 429)
        }
        await origin.stop()
    }

    @Test(
        arguments: [
            ("api.acme.test", "api.acme.test"), ("API.ACME.TEST", "api.acme.test"), ("x.acme.test", "*.acme.test"),
            ("a.b.acme.test", "fallback.test"), ("elsewhere.test", "fallback.test"), (nil, "fallback.test"),
        ] as [(String?, String)], Transport.available)
    func `the certificate shown is that of the name asked for`(
        _ name: (asked: String?, shown: String), on transport: Transport
    ) async throws {
        let certificates = [
            try TestCertificate.make("api.acme.test"), try TestCertificate.make("*.acme.test"),
            try TestCertificate.make("fallback.test", isDefault: true),
        ]
        try await GatewayHarness.run(on: transport, nil, certificates: certificates) { gateway async throws in
            #expect(try await Handshake.names(port: gateway.securePort, asking: name.asked) == [name.shown])
        }
    }

    @Test(arguments: Transport.available)
    func `whom there is no certificate for is not let in`(on transport: Transport) async throws {
        let certificates = [try TestCertificate.make("a.test"), try TestCertificate.make("b.test")]
        try await GatewayHarness.run(on: transport, nil, certificates: certificates) { gateway async throws in
            await #expect(throws: (any Error).self) {
                try await Handshake.names(port: gateway.securePort, asking: "c.test")
            }
            #expect(try await Handshake.names(port: gateway.securePort, asking: "b.test") == ["b.test"])
            #expect(gateway.metrics.render().contains("turnpike_handshake_failures_total 1"))
        }
    }

    @Test(arguments: Transport.available)
    func `new certificates are shown from the next connection on, and those that are open stay`(
        on transport: Transport
    ) async throws {
        let origin = try await Origin.start()
        let certificates = try ServerCertificates([TestCertificate.make("api.acme.test")])
        try await GatewayHarness.run(on: transport, Self.resources(origin.port), secure: certificates) {
            gateway async throws in
            let client = try await RawClient.connect(port: gateway.securePort, serverName: "api.acme.test")
            try await client.send(GatewayHarness.get())
            #expect(try await client.response().status == 200)
            try certificates.replace(by: [TestCertificate.make("renewed.acme.test")])
            #expect(try await Handshake.names(port: gateway.securePort, asking: nil) == ["renewed.acme.test"])
            try await client.send(GatewayHarness.get())
            #expect(try await client.response().status == 200)

            var unfit = try TestCertificate.make("unfit.acme.test")
            unfit.key = try TestCertificate.make("other.acme.test").key
            #expect(throws: CertificateFailure.self) { try certificates.replace(by: [unfit]) }
            #expect(try await Handshake.names(port: gateway.securePort, asking: nil) == ["renewed.acme.test"])
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `a client that does not come to the end of its handshake is sent away`(on transport: Transport) async throws {
        let limits = GatewayLimits(headTimeout: 100_000_000)
        let certificates = [try TestCertificate.make("api.acme.test")]
        try await GatewayHarness.run(on: transport, nil, limits: limits, certificates: certificates) {
            gateway async throws in
            let silent = try await RawClient.connect(port: gateway.securePort)
            #expect(try await silent.untilClosed().isEmpty)
            let beginning = try await RawClient.connect(port: gateway.securePort)
            try await beginning.send([0x16, 0x03, 0x01, 0x02, 0x00, 0x01])
            #expect(try await beginning.untilClosed().isEmpty)
        }
    }

    @Test(arguments: Transport.available)
    func `what is no TLS gets no answer`(on transport: Transport) async throws {
        let certificates = [try TestCertificate.make("api.acme.test")]
        try await GatewayHarness.run(on: transport, nil, certificates: certificates) { gateway async throws in
            let client = try await RawClient.connect(port: gateway.securePort)
            try await client.send(GatewayHarness.get())
            #expect(!String(decoding: try await client.untilClosed(), as: UTF8.self).contains("HTTP/1.1"))
        }
    }

    @Test(arguments: Transport.available)
    func `an answer that breaks off over TLS ends without a goodbye that could be taken for its own`(
        on transport: Transport
    ) async throws {
        let origin = try await Origin.start { _ in
            .rawThenReset("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
        }
        let certificates = [try TestCertificate.make("api.acme.test")]
        try await GatewayHarness.run(on: transport, Self.resources(origin.port), certificates: certificates) {
            gateway async throws in
            let client = try await RawClient.connect(port: gateway.securePort, serverName: "api.acme.test")
            try await client.send(GatewayHarness.get())
            _ = try await client.untilClosed()
            #expect(client.wasReset)
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `connections beyond the bound are closed before their handshake`(on transport: Transport) async throws {
        let certificates = [try TestCertificate.make("api.acme.test")]
        try await GatewayHarness.run(on: transport, nil, connections: 1, certificates: certificates) {
            gateway async throws in
            let first = try await RawClient.connect(port: gateway.securePort, serverName: "api.acme.test")
            try await first.send(GatewayHarness.get())
            #expect(try await first.response().status == 503)
            let second = try await RawClient.connect(port: gateway.securePort)
            #expect(try await second.untilClosed().isEmpty)
        }
    }

    // MARK: - HTTP/2 beside HTTP/1.1

    @Test(arguments: Transport.available)
    func `who offers HTTP-2 has it, and who does not has HTTP-1.1, on one port`(on transport: Transport) async throws {
        let origin = try await Origin.start()
        let certificates = [try TestCertificate.make("api.acme.test")]
        try await GatewayHarness.run(on: transport, Self.resources(origin.port), certificates: certificates) {
            gateway async throws in
            for offers in [["http/1.1"], ["spdy/3"], []] {
                let client = try await RawClient.connect(
                    port: gateway.securePort, serverName: "api.acme.test", offering: offers)
                try await client.send(GatewayHarness.get())
                #expect(try await client.response().status == 200)
                await client.close()
            }
            for number in 1...20 {
                let client = try await HTTP2Client.connect(port: gateway.securePort)
                let response = try await client.get("/v1/orders/\(number)")
                #expect(response.status == 200 && response.text == "/v1/orders/\(number)")
                await client.close()
            }
            let heads = origin.requests.map(\.head)
            #expect(heads.count == 23 && heads.allSatisfy { $0.contains("X-Forwarded-For: 127.0.0.1\r\n") })
            try await gateway.connectionsReached(0)
        }
        await origin.stop()
    }

    @Test(arguments: [["h2"], ["http/1.1"]], Transport.available)
    func `a hello may come byte by byte`(offers: [String], on transport: Transport) async throws {
        let certificates = [try TestCertificate.make("api.acme.test")]
        try await GatewayHarness.run(on: transport, nil, certificates: certificates) { gateway async throws in
            #expect(try await Handshake.chosen(port: gateway.securePort, offering: offers) == offers.first)
        }
    }

    // MARK: - Coming back

    @Test(arguments: Transport.available)
    func `a client comes back by its ticket, and anew once the certificate was renewed`(
        on transport: Transport
    ) async throws {
        let certificates = try ServerCertificates([TestCertificate.make("api.acme.test")])
        try await GatewayHarness.run(on: transport, nil, secure: certificates) { gateway async throws in
            let client = OpenSSLClient()
            defer { client.forget() }
            #expect(try client.handshake(port: gateway.securePort).contains("New, TLSv1.2"))
            #expect(try client.handshake(port: gateway.securePort).contains("Reused, TLSv1.2"))
            try certificates.replace(by: [TestCertificate.make("api.acme.test")])
            #expect(try client.handshake(port: gateway.securePort).contains("New, TLSv1.2"))
        }
    }
}

/// What a server shows of itself.
enum Handshake {
    /// The DNS names of the certificate that it shows to a client that asks for `serverName`.
    static func names(port: Int, asking serverName: String?) async throws -> [String] {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .noHostnameVerification
        let context = try NIOSSLContext(configuration: configuration)
        let shown = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: [String].self)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(
                        context: context, serverHostname: serverName,
                        customVerificationCallback: { chain, verdict in
                            shown.succeed(chain.first.map(Self.names) ?? [])
                            verdict.succeed(.certificateVerified)
                        })
                    try channel.pipeline.syncOperations.addHandlers([tls, FailureWatch(shown)])
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        defer { channel.close(promise: nil) }
        return try await shown.futureResult.get()
    }

    /// What the server chooses of these protocols (ALPN), where all that the client says comes byte by byte.
    static func chosen(port: Int, offering protocols: [String]) async throws -> String? {
        let chosen = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: String?.self)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        ByteByByte(), try TestTLS.client("api.acme.test", offering: protocols), HandshakeWatch(chosen),
                    ])
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        defer { channel.close(promise: nil) }
        return try await chosen.futureResult.get()
    }

    private static func names(of certificate: NIOSSLCertificate) -> [String] {
        (certificate._subjectAlternativeNames()).compactMap { name in
            name.nameType == .dnsName ? String(decoding: name.contents, as: UTF8.self) : nil
        }
    }

    private final class FailureWatch: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        private let promise: EventLoopPromise<[String]>

        init(_ promise: EventLoopPromise<[String]>) { self.promise = promise }

        func channelInactive(context: ChannelHandlerContext) { promise.fail(ChannelError.eof) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { promise.fail(error) }
    }

    private final class ByteByByte: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            for byte in unwrapOutboundIn(data).readableBytesView {
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: [byte])), promise: nil)
            }
            promise?.succeed()
        }
    }
}
