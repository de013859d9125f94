// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHPACK
import NIOHTTP2
import Testing
import TurnpikeProxyCore
import TurnpikeTelemetry
import TurnpikeTestSupport

@testable import TurnpikeProxy

/// What HTTP/2 lets a client waste of a server is bounded: the connection ends, and nobody else feels it.
@Suite(.timeLimit(.minutes(1))) struct HTTP2AbuseTests {
    private func attack(
        _ transport: Transport, _ origin: Origin, limits: GatewayLimits = GatewayLimits(),
        _ body: (GatewayHarness) async throws -> Void
    ) async throws {
        let resources = [Pieces.route(), Pieces.cluster(origin.port)]
        let certificates = [try TestCertificate.make("api.acme.test")]
        try await GatewayHarness.run(on: transport, resources, limits: limits, certificates: certificates) {
            gateway async throws in
            try await body(gateway)
            let other = try await HTTP2Client.connect(port: gateway.securePort)
            #expect(try await other.get().status == 200)
            await other.close()
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `a flood of requests that are reset at once ends the connection (CVE-2023-44487)`(
        transport: Transport
    ) async throws {
        let origin = try await Origin.start()
        try await attack(transport, origin) { gateway in
            let client = try await RawHTTP2.connect(port: gateway.securePort)
            for number in 0..<2000 {
                let stream = UInt32(2 * number + 1)
                try? await client.send(RawHTTP2.request("/v1/orders", stream: stream) + RawHTTP2.reset(stream))
            }
            _ = try await client.untilClosed()
            #expect(origin.requests.count < 2000)
        }
    }

    @Test(
        arguments: Transport.available,
        [
            // Settings (CVE-2019-9515) and pings (CVE-2019-9512), each of which asks for an answer.
            (0x4, 0, []), (0x6, 0, [UInt8](repeating: 1, count: 8)),
            // Priorities that say nothing any more.
            (0x2, 1, [0, 0, 0, 0, 16]),
        ] as [(UInt8, UInt32, [UInt8])])
    func `a flood of frames that ask for work ends the connection`(
        transport: Transport, flood: (type: UInt8, stream: UInt32, payload: [UInt8])
    ) async throws {
        let origin = try await Origin.start()
        try await attack(transport, origin) { gateway in
            let client = try await RawHTTP2.connect(port: gateway.securePort)
            let frame = RawHTTP2.frame(type: flood.type, flags: 0, stream: flood.stream, flood.payload)
            for _ in 0..<200 { try? await client.send(Array(repeatElement(frame, count: 100).joined())) }
            _ = try await client.untilClosed()
        }
    }

    @Test(arguments: Transport.available)
    func `a flood of malformed requests ends the connection`(transport: Transport) async throws {
        let origin = try await Origin.start()
        try await attack(transport, origin) { gateway in
            let client = try await RawHTTP2.connect(port: gateway.securePort)
            for number in 0..<2000 {
                // A method, and nothing else.
                try? await client.send(RawHTTP2.frame(type: 0x1, flags: 0x5, stream: UInt32(2 * number + 1), [0x82]))
            }
            _ = try await client.untilClosed()
            #expect(origin.requests.isEmpty)
            // To SwiftNIO, more of them at once than were agreed on are another fault, which is there first if they come so quickly.
            let others = transport == .nio ? ["protocol_error"] : []
            try await untilCounted(anyOf: ["enhance_your_calm"] + others, at: gateway)
        }
    }

    private func untilCounted(anyOf reasons: [String], at gateway: GatewayHarness) async throws {
        try await until("the fault is counted as \(reasons)") {
            let metrics = gateway.metrics.render()
            return reasons.contains { metrics.contains(#"turnpike_http_connection_faults_total{reason="\#($0)"} 1"#) }
        }
    }

    @Test(
        arguments: Transport.available,
        [
            // Content of no stream, and of one that was not begun.
            ("protocol_error", RawHTTP2.frame(type: 0x0, flags: 0, stream: 0, [1])),
            ("protocol_error", RawHTTP2.frame(type: 0x0, flags: 0, stream: 7, [1])),
            // A window beyond all bounds.
            ("flow_control_error", RawHTTP2.frame(type: 0x8, flags: 0, stream: 0, [0x7F, 0xFF, 0xFF, 0xFF])),
            // More settings than anybody has.
            (
                "enhance_your_calm",
                Array(repeatElement(RawHTTP2.frame(type: 0x4, flags: 0, stream: 0, []), count: 20_000).joined())
            ),
        ] as [(String, [UInt8])])
    func `what ends a connection is counted by its reason, once`(
        transport: Transport, fault: (reason: String, bytes: [UInt8])
    ) async throws {
        let origin = try await Origin.start()
        try await attack(transport, origin) { gateway in
            let client = try await RawHTTP2.connect(port: gateway.securePort)
            try? await client.send(fault.bytes)
            _ = try await client.untilClosed()
            try await untilCounted(anyOf: [fault.reason], at: gateway)
        }
    }

    @Test(arguments: Transport.available)
    func `a head without an end ends the connection (CVE-2024-27316)`(transport: Transport) async throws {
        let origin = try await Origin.start()
        try await attack(transport, origin) { gateway in
            let client = try await RawHTTP2.connect(port: gateway.securePort)
            // A head that says it goes on, and goes on.
            try await client.send(RawHTTP2.frame(type: 0x1, flags: 0, stream: 1, [0x82]))
            for _ in 0..<200 {
                try? await client.send(
                    RawHTTP2.frame(type: 0x9, flags: 0, stream: 1, [UInt8](repeating: 0x84, count: 1000)))
            }
            _ = try await client.untilClosed()
        }
    }

    @Test(arguments: Transport.available)
    func `a head of more fields than allowed is refused, and the connection goes on`(transport: Transport) async throws
    {
        let origin = try await Origin.start()
        try await attack(transport, origin) { gateway in
            let client = try await HTTP2Client.connect(port: gateway.securePort)
            #expect(try await client.get("/v1/orders", (0..<150).map { ("x-\($0)", "v") }).status == 431)
            #expect(origin.requests.isEmpty)
            #expect(try await client.get().status == 200)
            await client.close()
        }
    }

    /// One field again and again is a byte each time once HPACK knows it.
    @Test(arguments: Transport.available)
    func `a head that is small on the wire and larger than allowed reaches nobody`(transport: Transport) async throws {
        let origin = try await Origin.start()
        try await attack(transport, origin) { gateway in
            let client = try await HTTP2Client.connect(port: gateway.securePort)
            let exchange = try await client.stream()
            let fields = Array(repeating: ("x-a", String(repeating: "v", count: 1000)), count: 90)
            try await exchange.send(HTTP2Client.head("GET", "/v1/orders", fields), endsStream: true)
            let response = await exchange.response()
            if case .nio = transport {
                #expect(response.status == nil)
                try await client.closed()
                #expect(client.goodbye.code != nil)
            } else {
                #expect(response.status == 431)
                #expect(try await client.get().status == 200)
                await client.close()
            }
            #expect(!origin.requests.contains { $0.head.contains("x-a") })
        }
    }

    @Test(arguments: Transport.available)
    func `no more streams are served at once than allowed`(transport: Transport) async throws {
        let origin = try await Origin.start { $0.target == "/v1/slow" ? .silence : .ok("") }
        try await attack(transport, origin) { gateway in
            let client = try await RawHTTP2.connect(port: gateway.securePort)
            for number in 0..<HTTP2Connection.concurrentStreams + 250 {
                try? await client.send(RawHTTP2.request("/v1/slow", stream: UInt32(2 * number + 1)))
            }
            // Who was told of the bound and does not keep to it is sent away.
            _ = try await client.untilClosed()
            #expect(origin.requests.count <= HTTP2Connection.concurrentStreams)
        }
    }

    @Test(arguments: Transport.available)
    func `a connection without requests is closed in time`(transport: Transport) async throws {
        let origin = try await Origin.start()
        let limits = GatewayLimits(idleTimeout: 200_000_000)
        try await attack(transport, origin, limits: limits) { gateway in
            let client = try await HTTP2Client.connect(port: gateway.securePort)
            try await client.closed()
            #expect(client.goodbye.code == .noError)
        }
    }

    @Test(
        arguments: Transport.available,
        [
            [],
            // A head that does not end.
            RawHTTP2.frame(type: 0x1, flags: 0, stream: 1, [0x82]),
            // One that was answered before.
            RawHTTP2.request("/nowhere", stream: 1),
        ])
    func `a client that asks for nothing more is closed in time, though it answers no goodbye`(
        transport: Transport, bytes: [UInt8]
    ) async throws {
        let origin = try await Origin.start()
        let limits = GatewayLimits(idleTimeout: 200_000_000)
        try await attack(transport, origin, limits: limits) { gateway in
            let client = try await RawHTTP2.connect(port: gateway.securePort)
            try await client.send(bytes)
            _ = try await client.untilClosed()
        }
    }

    @Test(arguments: Transport.available)
    func `draining does not wait for clients that answer no goodbye`(transport: Transport) async throws {
        let origin = try await Origin.start()
        let certificates = [try TestCertificate.make("api.acme.test")]
        try await GatewayHarness.run(
            on: transport, [Pieces.route(), Pieces.cluster(origin.port)], certificates: certificates
        ) { gateway async throws in
            let client = try await RawHTTP2.connect(port: gateway.securePort)
            try await client.send(RawHTTP2.request("/v1/orders", stream: 1))
            await origin.requestsArrived(1)
            let time = await ContinuousClock().measure { await gateway.server.drain(timeout: .seconds(50)) }
            #expect(time < .seconds(40))
            _ = try await client.untilClosed()
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `draining says goodbye, and lets requests in flight finish`(transport: Transport) async throws {
        let origin = try await Origin.start { _ in .silence }
        let certificates = [try TestCertificate.make("api.acme.test")]
        try await GatewayHarness.run(
            on: transport, [Pieces.route(), Pieces.cluster(origin.port)], certificates: certificates
        ) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.securePort)
            let exchange = try await client.stream()
            try await exchange.send(HTTP2Client.head("GET", "/v1/orders"), endsStream: true)
            await origin.requestsArrived(1)
            async let drained: Void = gateway.server.drain(timeout: .seconds(30))
            try await until("the gateway says goodbye") { client.goodbye.code != nil }
            await origin.closeConnections()
            let response = await exchange.response()
            #expect(response.status == 502 && response.hasEnded, "\(response)")
            await drained
        }
        await origin.stop()
    }
}

/// HTTP/2 by hand, for what no library would send.
enum RawHTTP2 {
    /// A connection over TLS on which preface and settings were sent.
    static func connect(port: Int) async throws -> RawClient {
        let client = try await RawClient.connect(port: port, serverName: "api.acme.test", offering: ["h2"])
        try await client.send(
            Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(type: 0x4, flags: 0, stream: 0, []))
        return client
    }

    /// A request without content, its fields not compressed but for what HPACK has in its table (RFC 7541, appendix A).
    static func request(_ path: String, stream: UInt32) -> [UInt8] {
        let authority = Array("api.acme.test".utf8)
        let block: [UInt8] =
            [0x82, 0x87, 0x01, UInt8(authority.count)] + authority + [0x04, UInt8(path.utf8.count)] + Array(path.utf8)
        return frame(type: 0x1, flags: 0x5, stream: stream, block)
    }

    static func reset(_ stream: UInt32) -> [UInt8] { frame(type: 0x3, flags: 0, stream: stream, [0, 0, 0, 8]) }

    /// RFC 9113 §4.1.
    static func frame(type: UInt8, flags: UInt8, stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
        let length = UInt32(payload.count)
        return [UInt8(length >> 16 & 0xFF), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF), type, flags]
            + [24, 16, 8, 0].map { UInt8(stream >> $0 & 0xFF) } + payload
    }
}
