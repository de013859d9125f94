// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeProxyCore

@testable import TurnpikeProxy

/// Connections that switch to another protocol, over sockets: what comes of each byte and of each way to end.
@Suite(.timeLimit(.minutes(2))) struct TunnelServingTests {
    private static let request = GatewayHarness.get(
        "/v1/chat",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            + "Sec-WebSocket-Version: 13\r\n")
    private static let switching =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    private static let megabyte = 1 << 20

    private struct Ends {
        let client: RawClient
        let upstream: RawClient
    }

    /// By which way a tunnel leads: clients as is said, and upstreams in the clear or over TLS.
    struct Way: Hashable, CustomTestStringConvertible {
        let entrance: Entrance
        let isSecure: Bool

        static let all = Entrance.all.flatMap {
            [Way(entrance: $0, isSecure: false), Way(entrance: $0, isSecure: true)]
        }

        var testDescription: String { entrance.testDescription + (isSecure ? " to TLS" : "") }
    }

    /// Switches a connection, and hands both of its ends to `body`.
    private func run(
        by way: Way, idleTimeout: Duration = .seconds(60), limits: GatewayLimits = GatewayLimits(),
        buffer: Int? = nil, _ body: (GatewayHarness, Ends) async throws -> Void
    ) async throws {
        let certificate = way.isSecure ? try Entrance.certificate.get() : nil
        let server = try await RawServer.start(receiveBuffer: buffer, certificate: certificate)
        let upgrades = Upgrades(protocols: ["websocket"], idleTimeout: idleTimeout)
        let tls = certificate.map {
            UpstreamTLS(serverName: "api.acme.test", authorities: String(decoding: $0.chain, as: UTF8.self))
        }
        let resources = [Pieces.route(upgrades: upgrades), Pieces.cluster(server.port, tls: tls)]
        try await GatewayHarness.run(through: way.entrance, resources, limits: limits) { gateway async throws in
            let client = try await gateway.connect(receiveBuffer: buffer, halfCloses: true)
            try await client.send(Self.request)
            let upstream = try await server.accept()
            let head = try await upstream.head()
            #expect(head.contains("\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"))
            try await upstream.send(Self.switching)
            #expect(try await client.head().hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
            try await body(gateway, Ends(client: client, upstream: upstream))
            await client.close()
            await upstream.close()
        }
        await server.stop()
    }

    private static func bytes(_ count: Int, _ seed: UInt8) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) ^ seed }
    }

    // MARK: - Bytes

    @Test(arguments: Way.all)
    func `megabytes go both ways at once, and are counted`(by way: Way) async throws {
        try await run(by: way) { gateway, ends in
            let before = gateway.usage.total
            #expect(before.requests == 1 && before.units == 1)
            let (up, down) = (Self.bytes(8 * Self.megabyte, 1), Self.bytes(6 * Self.megabyte, 2))
            async let sentUp: Void = ends.client.send(up)
            async let sentDown: Void = ends.upstream.send(down)
            async let atUpstream = ends.upstream.bytes(up.count)
            async let atClient = ends.client.bytes(down.count)
            try await sentUp
            try await sentDown
            #expect(try await atUpstream == up)
            #expect(try await atClient == down)
            let passed = UsageCounters(
                requests: 1, bytesIn: before.bytesIn + Int64(up.count), bytesOut: before.bytesOut + Int64(down.count),
                units: 1)
            // The tunnel is still open: nothing of it waits for its end.
            try await gateway.usageReached { $0 == passed }
        }
    }

    @Test(arguments: Entrance.all)
    func `what a client sends ahead comes after the 101 only`(through entrance: Entrance) async throws {
        let server = try await RawServer.start()
        let resources = [Pieces.route(upgrades: Upgrades(protocols: ["websocket"])), Pieces.cluster(server.port)]
        try await GatewayHarness.run(through: entrance, resources) { gateway async throws in
            let client = try await gateway.connect()
            try await client.send(Self.request + "early")
            let upstream = try await server.accept()
            _ = try await upstream.head()
            try await client.send("bird")
            try await upstream.send("HTTP/1.1 103 Early Hints\r\n\r\n")
            #expect(try await client.head().hasPrefix("HTTP/1.1 103 "))
            try await upstream.send(Self.switching + "hello")
            #expect(try await client.head().hasPrefix("HTTP/1.1 101 "))
            #expect(try await client.text(5) == "hello")
            #expect(try await upstream.text(9) == "earlybird")
            await client.close()
            #expect(try await upstream.untilClosed().isEmpty)
            await upstream.close()
        }
        await server.stop()
    }

    @Test(arguments: [true, false], Way.all)
    func `a side that does not read holds the other back, not the gateway's memory`(
        client isSlow: Bool, by way: Way
    ) async throws {
        try await run(by: way, buffer: 64 << 10) { _, ends in
            let (slow, fast) = isSlow ? (ends.client, ends.upstream) : (ends.upstream, ends.client)
            try await slow.setReading(false)
            let total = 64 * Self.megabyte
            let sent = Atomic<Int>(0)
            async let sending: Void = {
                let piece = Array(repeating: UInt8(ascii: "x"), count: 64 << 10)
                for _ in 0..<total / piece.count {
                    try await fast.send(piece)
                    sent.wrappingAdd(piece.count, ordering: .relaxed)
                }
            }()
            var last = -1
            while sent.load(ordering: .relaxed) != last {
                last = sent.load(ordering: .relaxed)
                try await Task.sleep(for: .milliseconds(300))
            }
            // What both kernels' socket buffers take, at most a few megabytes each, and little more.
            #expect(last < 24 * Self.megabyte, "\(last) bytes are on their way")
            try await slow.setReading(true)
            #expect(try await slow.bytes(total).count == total)
            try await sending
        }
    }

    // MARK: - Ends

    @Test(arguments: [true, false], Way.all)
    func `a side that ends first gets all that the other has to say`(
        client isFirst: Bool, by way: Way
    ) async throws {
        try await run(by: way) { gateway, ends in
            let (first, second) = isFirst ? (ends.client, ends.upstream) : (ends.upstream, ends.client)
            let question = Self.bytes(Self.megabyte, 3)
            try await first.send(question)
            try await first.closeOutput()
            #expect(try await second.untilClosed() == question)
            let answer = Self.bytes(2 * Self.megabyte, 4)
            try await second.send(answer)
            try await second.closeOutput()
            #expect(try await first.untilClosed() == answer)
            #expect(!first.wasReset && !second.wasReset)
        }
    }

    @Test(arguments: [true, false], Way.all)
    func `what waits for a slow side when both have ended still gets there`(
        client isSlow: Bool, by way: Way
    ) async throws {
        try await run(by: way, buffer: 64 << 10) { gateway, ends in
            let (slow, fast) = isSlow ? (ends.client, ends.upstream) : (ends.upstream, ends.client)
            try await slow.setReading(false)
            let bytes = Self.bytes(8 * Self.megabyte, 5)
            async let sent: Void = fast.send(bytes)
            try await slow.closeOutput()
            #expect(try await fast.untilClosed().isEmpty)
            try await slow.setReading(true)
            try await sent
            try await fast.closeOutput()
            #expect(try await slow.untilClosed() == bytes)
            #expect(!slow.wasReset, "\(slow.failure)")
        }
    }

    @Test(arguments: [true, false], Way.all)
    func `a reset of one side ends the other`(ofClient: Bool, by way: Way) async throws {
        try await run(by: way) { gateway, ends in
            try await ends.client.send("12345")
            #expect(try await ends.upstream.text(5) == "12345")
            let (failing, other) = ofClient ? (ends.client, ends.upstream) : (ends.upstream, ends.client)
            try await failing.reset()
            #expect(try await other.untilClosed().isEmpty)
            if !ofClient { #expect(other.wasReset) }
        }
    }

    @Test(arguments: Way.all)
    func `a tunnel without a word is cut`(by way: Way) async throws {
        try await run(by: way, idleTimeout: .milliseconds(300)) { gateway, ends in
            try await ends.client.send("12345")
            #expect(try await ends.upstream.text(5) == "12345")
            #expect(try await ends.client.untilClosed().isEmpty)
            #expect(ends.client.wasReset)
            #expect(try await ends.upstream.untilClosed().isEmpty)
        }
    }

    @Test(arguments: Way.all)
    func `a tunnel outlives its configuration, and draining until its time is up`(
        by way: Way
    ) async throws {
        try await run(by: way) { gateway, ends in
            await gateway.server.apply(try GatewayConfiguration(Pieces.snapshot([])))
            try await ends.client.send("after the change")
            #expect(try await ends.upstream.text(16) == "after the change")
            async let drained: Void = gateway.server.drain(timeout: .milliseconds(500))
            try await ends.upstream.send("while it drains")
            #expect(try await ends.client.text(15) == "while it drains")
            await drained
            #expect(try await ends.client.untilClosed().isEmpty)
            #expect(try await ends.upstream.untilClosed().isEmpty)
            #expect(gateway.usage.total.requests == 1)
        }
    }

    // MARK: - What is no tunnel

    @Test(arguments: ["h2c", "websocket"], Entrance.all)
    func `a protocol that is not allowed is not asked for, and not switched to`(
        token: String, through entrance: Entrance
    ) async throws {
        let server = try await RawServer.start()
        let allowed = token == "h2c" ? Upgrades(protocols: ["websocket"]) : nil
        try await GatewayHarness.run(through: entrance, [Pieces.route(upgrades: allowed), Pieces.cluster(server.port)])
        {
            gateway async throws in
            let client = try await gateway.connect()
            try await client.send(
                GatewayHarness.get(
                    "/v1/x", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: \(token)\r\nHTTP2-Settings: AAMAAABk\r\n")
                    + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            let upstream = try await server.accept()
            let head = try await upstream.head()
            #expect(!head.lowercased().contains("upgrade") && !head.lowercased().contains("http2"))
            try await upstream.send(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: \(token)\r\n\r\n")
            #expect(try await client.response().status == 502)
            // The preface of HTTP/2 was never passed on.
            #expect(try await upstream.untilClosed().isEmpty)
            await client.close()
            await upstream.close()
        }
        await server.stop()
    }

    @Test(arguments: Entrance.all)
    func `a connection that was not switched serves on`(through entrance: Entrance) async throws {
        let origin = try await Origin.start { $0.number == 1 ? .ok("no") : .ok("still HTTP") }
        let resources = [Pieces.route(upgrades: Upgrades(protocols: ["websocket"])), Pieces.cluster(origin.port)]
        try await GatewayHarness.run(through: entrance, resources) { gateway async throws in
            let client = try await gateway.connect()
            try await client.send(Self.request + GatewayHarness.get())
            #expect(try await client.response().text == "no")
            #expect(try await client.response().text == "still HTTP")
            #expect(origin.connections == 1)
        }
        await origin.stop()
    }
}
