// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import Testing
import TurnpikeModel
import TurnpikeProxyCore

@testable import TurnpikeProxy

/// Connecting by itself: what is handed out, and why nothing is.
@Suite(.timeLimit(.minutes(1))) struct EpollDialTests {
    private static let certificate = Result { try TestCertificate.make("orders.internal") }

    private func wire(speaksHTTP2: Bool = false, showing name: String? = nil) throws -> UpstreamWire {
        let authorities = String(decoding: try Self.certificate.get().chain, as: UTF8.self)
        return UpstreamWire(
            speaksHTTP2: speaksHTTP2,
            tls: UpstreamTLS(serverName: "orders.internal", authorities: authorities, clientCertificate: name),
            tenant: "acme")
    }

    /// What comes of it, in words.
    private func dial(
        _ port: Int, _ wire: UpstreamWire = .plain, at addresses: [String] = ["127.0.0.1"]
    ) async throws -> String {
        let loop = try EpollLoop.start()
        let outcome = await withCheckedContinuation { continuation in
            loop.execute {
                let endpoint = EndpointAddress(host: "orders.internal", port: port, wire: wire)
                let dial = EpollDial(to: endpoint, at: addresses, loop: loop) { result in
                    continuation.resume(returning: Self.text(of: result))
                }
                dial.start()
            }
        }
        await loop.stop()
        return outcome
    }

    private static func text(of result: Result<EpollSocket, any Error>) -> String {
        switch result {
        case .success(let socket):
            let isOpen = socket.isOpen
            socket.close()
            guard let session = socket.session else { return isOpen ? "in the clear" : "closed" }
            return session.speaksHTTP2 ? "HTTP/2" : "TLS"
        case .failure(let error): return "\(error)"
        }
    }

    @Test func `the first address that answers is connected to`() async throws {
        let origin = try await Origin.start()
        let outcome = try await dial(origin.port, at: ["not in numbers", "127.0.0.2", "127.0.0.1"])
        #expect(outcome == "in the clear")
        await origin.stop()
    }

    @Test func `who is not there is told as the system tells it`() async throws {
        let origin = try await Origin.start()
        let port = origin.port
        await origin.stop()
        #expect(try await dial(port) == "connect: Connection refused (errno 111)")
        #expect(try await dial(port, at: []) == "there is no address to connect to")
    }

    @Test(
        arguments: [
            (["http/1.1"], false, "TLS"), (["h2"], true, "HTTP/2"), ([], false, "TLS"),
            ([], true, "the upstream did not choose HTTP/2 (ALPN)"),
            (["http/1.1"], true, "the upstream did not choose HTTP/2 (ALPN)"),
        ] as [([String], Bool, String)])
    func `HTTP/2 has to be chosen where it is to be spoken`(
        server: [String], speaksHTTP2: Bool, outcome: String
    ) async throws {
        let context = try TestTLS.server(try Self.certificate.get(), speaking: server)
        let origin = try await Origin.start(tls: context)
        #expect(try await dial(origin.port, wire(speaksHTTP2: speaksHTTP2)) == outcome)
        await origin.stop()
    }

    @Test func `nobody is connected to without the certificate that is to be shown`() async throws {
        let origin = try await Origin.start(tls: try TestTLS.server(try Self.certificate.get()))
        let outcome = try await dial(origin.port, wire(showing: "orders"))
        #expect(outcome == "the gateway has no client certificate 'orders' of the tenant 'acme'")
        #expect(origin.connections == 0)
        await origin.stop()
    }

    @Test func `an end within the handshake is no connection`() async throws {
        let server = try await RawServer.start()
        async let outcome = dial(server.port, wire())
        let upstream = try await server.accept()
        #expect(try await upstream.bytes(1) == [22])
        await upstream.close()
        #expect(try await outcome == "the connection ended within the handshake")
        await server.stop()
    }

    @Test func `who cancels hears nothing, and leaves nothing open`() async throws {
        let server = try await RawServer.start()
        let loop = try EpollLoop.start()
        let wire = try wire()
        let port = server.port
        let dial = try await loop.submit {
            let endpoint = EndpointAddress(host: "orders.internal", port: port, wire: wire)
            let dial = EpollDial(to: endpoint, at: ["127.0.0.1"], loop: loop) { _ in
                Issue.record("somebody was told")
            }
            dial.start()
            return LoopBound(dial, on: loop)
        }
        let upstream = try await server.accept()
        _ = try await upstream.bytes(1)
        try await loop.submit { dial.value.cancel() }
        _ = try await upstream.untilClosed()
        await upstream.close()
        await loop.stop()
        await server.stop()
    }
}

#endif
