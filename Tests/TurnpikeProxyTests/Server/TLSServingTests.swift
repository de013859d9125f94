// SPDX-License-Identifier: Apache-2.0

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

    @Test func `what is counted over all loops is counted over both listeners`() async throws {
        let origin = try await Origin.start()
        let resources = [
            Pieces.route(rateLimits: ["burst"]), Pieces.cluster(origin.port),
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
        ] as [(String?, String)])
    func `the certificate shown is that of the name asked for`(asked: String?, shown: String) async throws {
        let certificates = [
            try TestCertificate.make("api.acme.test"), try TestCertificate.make("*.acme.test"),
            try TestCertificate.make("fallback.test", isDefault: true),
        ]
        try await GatewayHarness.run(on: .nio, nil, certificates: certificates) { gateway async throws in
            #expect(try await Handshake.names(port: gateway.securePort, asking: asked) == [shown])
        }
    }

    @Test func `whom there is no certificate for is not let in`() async throws {
        let certificates = [try TestCertificate.make("a.test"), try TestCertificate.make("b.test")]
        try await GatewayHarness.run(on: .nio, nil, certificates: certificates) { gateway async throws in
            await #expect(throws: (any Error).self) {
                try await Handshake.names(port: gateway.securePort, asking: "c.test")
            }
            #expect(try await Handshake.names(port: gateway.securePort, asking: "b.test") == ["b.test"])
            #expect(gateway.metrics.render().contains("turnpike_handshake_failures_total 1"))
        }
    }

    @Test func `new certificates are shown from the next connection on, and those that are open stay`() async throws {
        let origin = try await Origin.start()
        let certificates = try ServerCertificates([TestCertificate.make("api.acme.test")])
        try await GatewayHarness.run(on: .nio, Self.resources(origin.port), secure: certificates) {
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

    @Test func `a client that does not come to the end of its handshake is sent away`() async throws {
        let limits = GatewayLimits(headTimeout: 100_000_000)
        let certificates = [try TestCertificate.make("api.acme.test")]
        try await GatewayHarness.run(on: .nio, nil, limits: limits, certificates: certificates) {
            gateway async throws in
            let silent = try await RawClient.connect(port: gateway.securePort)
            #expect(try await silent.untilClosed().isEmpty)
            let beginning = try await RawClient.connect(port: gateway.securePort)
            try await beginning.send([0x16, 0x03, 0x01, 0x02, 0x00, 0x01])
            #expect(try await beginning.untilClosed().isEmpty)
        }
    }

    @Test func `what is no TLS gets no answer`() async throws {
        let certificates = [try TestCertificate.make("api.acme.test")]
        try await GatewayHarness.run(on: .nio, nil, certificates: certificates) { gateway async throws in
            let client = try await RawClient.connect(port: gateway.securePort)
            try await client.send(GatewayHarness.get())
            #expect(!String(decoding: try await client.untilClosed(), as: UTF8.self).contains("HTTP/1.1"))
        }
    }

    @Test func `an answer that breaks off over TLS ends without a goodbye that could be taken for its own`()
        async throws
    {
        let origin = try await Origin.start { _ in
            .rawThenReset("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
        }
        let certificates = [try TestCertificate.make("api.acme.test")]
        try await GatewayHarness.run(on: .nio, Self.resources(origin.port), certificates: certificates) {
            gateway async throws in
            let client = try await RawClient.connect(port: gateway.securePort, serverName: "api.acme.test")
            try await client.send(GatewayHarness.get())
            _ = try await client.untilClosed()
            #expect(client.wasReset)
        }
        await origin.stop()
    }

    @Test func `connections beyond the bound are closed before their handshake`() async throws {
        let certificates = [try TestCertificate.make("api.acme.test")]
        try await GatewayHarness.run(on: .nio, nil, connections: 1, certificates: certificates) {
            gateway async throws in
            let first = try await RawClient.connect(port: gateway.securePort, serverName: "api.acme.test")
            try await first.send(GatewayHarness.get())
            #expect(try await first.response().status == 503)
            let second = try await RawClient.connect(port: gateway.securePort)
            #expect(try await second.untilClosed().isEmpty)
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
}
