// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeSnapshot

@testable import TurnpikeProxy

/// A gateway behind a proxy, over sockets: the test is the proxy, on 127.0.0.1, or a client that plays one.
@Suite(.timeLimit(.minutes(1))) struct ProxiedServingTests {
    private static let proxies = TrustedProxies(["10.0.0.0/8", "127.0.0.1"].compactMap { AddressRange($0) })
    private static let others = TrustedProxies(["10.0.0.0/8"].compactMap { AddressRange($0) })

    /// Two requests an hour from each address.
    private func serve(
        through entrance: Entrance, _ proxies: TrustedProxies?, _ body: (GatewayHarness, Origin) async throws -> Void
    ) async throws {
        let origin = try await Origin.start()
        let resources = [
            Pieces.route(), Pieces.cluster(origin.port),
            Pieces.rateLimit(limit: 2, interval: .seconds(3600)),
        ]
        try await GatewayHarness.run(through: entrance, resources, trustedProxies: proxies) { gateway async throws in
            try await body(gateway, origin)
        }
        await origin.stop()
    }

    private func statuses(_ gateway: GatewayHarness, of clients: [String]) async throws -> [Int] {
        let connection = try await gateway.connect()
        var statuses: [Int] = []
        for client in clients {
            try await connection.send(GatewayHarness.get("/v1/orders", "X-Forwarded-For: \(client)\r\n"))
            statuses.append(try await connection.response().status)
        }
        await connection.close()
        return statuses
    }

    @Test(arguments: Entrance.all)
    func `clients behind a trusted proxy have a rate limit each, on one connection`(entrance: Entrance) async throws {
        try await serve(through: entrance, Self.proxies) { gateway, origin async throws in
            let clients = [
                "203.0.113.1", "203.0.113.2", "1.1.1.1, 203.0.113.1", "203.0.113.2", "203.0.113.1, 10.0.0.1",
            ]
            #expect(try await statuses(gateway, of: clients) == [200, 200, 200, 200, 429])
            #expect(try await statuses(gateway, of: ["203.0.113.2", "203.0.113.3"]) == [429, 200])
            #expect(origin.requests[2].head.contains("X-Forwarded-For: 1.1.1.1, 203.0.113.1, 127.0.0.1\r\n"))
            #expect(origin.requests[2].head.contains("X-Forwarded-Proto: \(entrance.isSecure ? "https" : "http")\r\n"))
        }
    }

    @Test(arguments: Entrance.all)
    func `who is no trusted proxy does not choose whom it counts as`(entrance: Entrance) async throws {
        for proxies in [Self.others, nil] {
            try await serve(through: entrance, proxies) { gateway, origin async throws in
                let clients = (1...3).map { "203.0.113.\($0)" }
                #expect(try await statuses(gateway, of: clients) == [200, 200, 429])
                #expect(origin.requests.allSatisfy { $0.head.contains("X-Forwarded-For: 127.0.0.1\r\n") })
            }
        }
    }

    @Test(arguments: Transport.available, [true, false])
    func `streams of one HTTP-2 connection are judged each by itself`(
        transport: Transport, isSecure: Bool
    ) async throws {
        try await serve(through: Entrance(transport: transport, isSecure: isSecure), Self.proxies) {
            gateway, origin async throws in
            let connection = try await HTTP2Client.connect(
                port: isSecure ? gateway.securePort : gateway.server.port, isSecure: isSecure)
            var statuses: [Int?] = []
            for client in ["203.0.113.1", "203.0.113.1", "203.0.113.1", "203.0.113.2"] {
                let fields = [("forwarded", "for=1.1.1.1"), ("forwarded", "for=\"\(client):4711\";proto=https")]
                statuses.append(try await connection.get("/v1/orders", fields).status)
            }
            #expect(statuses == [200, 200, 429, 200])
            let head = origin.requests.last?.head ?? ""
            #expect(head.contains("X-Forwarded-For: 203.0.113.2, 127.0.0.1\r\nForwarded: for=1.1.1.1, for="))
            #expect(head.contains("for=127.0.0.1;proto=\(isSecure ? "https" : "http")\r\nX-Forwarded-Proto: https\r\n"))
            await connection.close()
        }
    }

    @Test(arguments: Entrance.all)
    func `copies and connections that switch protocols tell of the client as well`(entrance: Entrance) async throws {
        let upstream = try await RawServer.start()
        let shadow = try await Origin.start()
        let upgrades = Upgrades(protocols: ["websocket"], idleTimeout: .seconds(60))
        let resources = [
            Pieces.route(mirrors: [Mirror(service: "shadow")], upgrades: upgrades), Pieces.cluster(upstream.port),
            Pieces.cluster(shadow.port, name: "shadow"),
        ]
        let chain = "X-Forwarded-For: 203.0.113.9, 127.0.0.1\r\n"
        try await GatewayHarness.run(through: entrance, resources, trustedProxies: Self.proxies) {
            gateway async throws in
            let client = try await gateway.connect()
            try await client.send(GatewayHarness.get("/v1/a", "X-Forwarded-For: 203.0.113.9\r\n"))
            let origin = try await upstream.accept()
            #expect(try await origin.head().contains(chain))
            try await origin.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            #expect(try await client.response().status == 204)
            await shadow.requestsArrived(1)
            #expect(shadow.requests[0].head.contains(chain))

            let wish = "Connection: Upgrade\r\nUpgrade: websocket\r\nX-Forwarded-For: 203.0.113.9\r\n"
            try await client.send(GatewayHarness.get("/v1/b", wish))
            #expect(try await upstream.accept().head().contains(chain))
            await client.close()
        }
        await upstream.stop()
        await shadow.stop()
    }
}
