// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeProxy

/// HTTP/1.1 over TLS with upstreams, on both transports: who is spoken to, and what is taken for an answer.
@Suite(.timeLimit(.minutes(2))) struct UpstreamTLSTests {
    private static let certificate = Result { try TestCertificate.make("orders.internal") }

    private func trusting(_ certificate: ServerCertificate, as name: String? = "orders.internal") -> UpstreamTLS {
        UpstreamTLS(serverName: name, authorities: String(decoding: certificate.chain, as: UTF8.self))
    }

    private func resources(_ port: Int, _ tls: UpstreamTLS) -> [CompiledResource] {
        [Pieces.route(), Pieces.cluster(port, tls: tls)]
    }

    // MARK: - Proof

    struct Proof: Sendable, CustomTestStringConvertible {
        /// What the certificate speaks for; empty is one that has expired.
        var names: String
        /// Default: that.
        var subject: String?
        /// What has to be proved; nil is the endpoint's address.
        var asked: String?
        var isTrusted = true
        var verifies = true
        /// What OpenSSL says; nil where the endpoint is taken for what it should be.
        var reason: String?

        var testDescription: String { "\(names) as \(asked ?? "its address"): \(reason ?? "good")" }
    }

    @Test(
        arguments: Transport.available,
        [
            Proof(names: "orders.internal", asked: "orders.internal"),
            Proof(names: "orders.internal", asked: "other.internal", reason: "hostname mismatch"),
            Proof(names: "*.acme.internal", asked: "orders.acme.internal"),
            Proof(names: "*.acme.internal", asked: "a.orders.acme.internal", reason: "hostname mismatch"),
            Proof(names: "127.0.0.1"),
            Proof(names: "127.0.0.2", reason: "IP address mismatch"),
            Proof(names: "orders.internal", reason: "IP address mismatch"),
            Proof(
                names: "orders.internal", asked: "orders.internal", isTrusted: false, reason: "self-signed certificate"),
            Proof(
                names: "spiffe://acme/orders", subject: "orders.internal", asked: "orders.internal",
                reason: "hostname mismatch"),
            Proof(names: "", asked: "orders.internal", reason: "certificate has expired"),
            Proof(names: "", asked: "other.internal", isTrusted: false, verifies: false),
        ])
    func `an upstream has to prove that it is who is asked for, else people are told why not`(
        on transport: Transport, proof: Proof
    ) async throws {
        let shown =
            proof.names.isEmpty
            ? TestCertificate.expired : try TestCertificate.make(proof.names, subject: proof.subject)
        let origin = try await Origin.start(tls: try TestTLS.server(shown))
        var tls = trusting(proof.isTrusted ? shown : try Self.certificate.get(), as: proof.asked)
        tls.verifies = proof.verifies
        let log = RecordedLog()
        try await GatewayHarness.run(on: transport, resources(origin.port, tls), logger: log.logger) {
            gateway async throws in
            #expect(try await gateway.get().status == (proof.reason == nil ? 200 : 503))
        }
        #expect(origin.requests.count == (proof.reason == nil ? 1 : 0))
        let told = log.lines.filter { $0.contains("An upstream cannot be reached.") }
        #expect(told.count == (proof.reason == nil ? 0 : 1))
        if transport == .epoll, let reason = proof.reason {
            #expect(told.first?.contains("error=certificate verify failed: \(reason)") == true, "\(told)")
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `who refuses to be shown no certificate serves nobody, and people are told`(
        on transport: Transport
    ) async throws {
        let (server, known) = (try Self.certificate.get(), try TestCertificate.make("gateway.acme"))
        let origin = try await Origin.start(tls: try TestTLS.server(server, onlyFor: [known]))
        let log = RecordedLog()
        try await GatewayHarness.run(on: transport, resources(origin.port, trusting(server)), logger: log.logger) {
            gateway async throws in
            #expect(try await gateway.get().status >= 502)
            #expect(origin.requests.isEmpty)
        }
        if transport == .epoll {
            #expect(log.lines.contains { $0.contains("error=tlsv13 alert certificate required") }, "\(log.lines)")
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `who speaks no TLS is not spoken to`(on transport: Transport) async throws {
        let origin = try await Origin.start()
        let resources = resources(origin.port, trusting(try Self.certificate.get()))
        try await GatewayHarness.run(on: transport, resources) { gateway async throws in
            #expect(try await gateway.get().status >= 502)
            #expect(origin.requests.isEmpty)
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `a handshake without an answer ends with the time for connecting`(on transport: Transport) async throws {
        let server = try await RawServer.start()
        let resources = resources(server.port, trusting(try Self.certificate.get()))
        try await GatewayHarness.run(on: transport, resources) { gateway async throws in
            async let status = gateway.get().status
            let upstream = try await server.accept()
            // A handshake's first record.
            #expect(try await upstream.bytes(1) == [22])
            #expect(try await [502, 503, 504].contains(status))
            if transport == .epoll { _ = try await upstream.untilClosed() }
            await upstream.close()
        }
        await server.stop()
    }

    // MARK: - Connections

    @Test(arguments: Transport.available)
    func `a connection serves on after tickets have come, and is replaced once the upstream has closed it`(
        on transport: Transport
    ) async throws {
        let certificate = try Self.certificate.get()
        let origin = try await Origin.start(tls: try TestTLS.server(certificate))
        try await GatewayHarness.run(on: transport, resources(origin.port, trusting(certificate))) {
            gateway async throws in
            let client = try await gateway.connect()
            for count in 1...3 {
                for _ in 0..<5 {
                    try await client.send(GatewayHarness.get())
                    #expect(try await client.response().status == 200)
                }
                #expect(origin.connections == count)
                await origin.closeConnections()
            }
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `content goes up and comes down whole, no faster than it is taken`(on transport: Transport) async throws {
        let certificate = try Self.certificate.get()
        let size = 64 << 20
        let origin = try await Origin.start(tls: try TestTLS.server(certificate)) { _ in .content(size) }
        try await GatewayHarness.run(on: transport, resources(origin.port, trusting(certificate))) {
            gateway async throws in
            let client = try await gateway.connect(receiveBuffer: 64 << 10)
            try await client.setReading(false)
            let content = [UInt8](repeating: 7, count: 8 << 20)
            let head = "POST /v1 HTTP/1.1\r\nHost: api.acme.test\r\nConnection: close\r\n"
            try await client.send(head + "Content-Length: \(content.count)\r\n\r\n")
            try await client.send(content)
            await origin.requestsArrived(1)
            #expect(origin.requests[0].contentBytes == UInt64(content.count))
            let last = try await origin.stalled()
            #expect(last <= SocketBuffers.most && SocketBuffers.most < size, "\(last) bytes are on their way")
            try await client.setReading(true)
            let response = try #require(RawResponse(try await client.untilClosed()))
            #expect(response.content.count == size && !client.wasReset)
        }
        await origin.stop()
    }

    // MARK: - Ends

    enum End: CaseIterable { case inOrder, withoutGoodbye, byReset }

    @Test(
        arguments: Transport.available,
        [(true, End.inOrder), (true, .withoutGoodbye), (true, .byReset), (false, .inOrder), (false, .byReset)])
    func `an answer that ends with its connection is whole only where that ended in order`(
        on transport: Transport, how: (isSecure: Bool, end: End)
    ) async throws {
        let certificate = try Self.certificate.get()
        let server = try await RawServer.start(certificate: how.isSecure ? certificate : nil)
        let tls = how.isSecure ? trusting(certificate) : nil
        try await GatewayHarness.run(on: transport, [Pieces.route(), Pieces.cluster(server.port, tls: tls)]) {
            gateway async throws in
            let client = try await gateway.connect()
            try await client.send(GatewayHarness.get())
            let upstream = try await server.accept()
            _ = try await upstream.head()
            try await upstream.send("HTTP/1.1 200 OK\r\n\r\nuntil the end")
            #expect(try await client.head().hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(try await client.text(13) == "until the end")
            switch how.end {
            case .inOrder: await upstream.close()
            case .withoutGoodbye: try await upstream.breakOff()
            case .byReset: try await upstream.reset()
            }
            #expect(try await client.untilClosed().isEmpty)
            #expect(client.wasReset == (how.end != .inOrder))
        }
        await server.stop()
    }
}
