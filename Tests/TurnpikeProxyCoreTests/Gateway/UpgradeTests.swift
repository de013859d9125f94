// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// Which requests may switch their connection to another protocol, what the upstream gets to see of the wish, and what of its
/// answers is believed.
@Suite struct UpgradeTests {
    @Test func `an allowed protocol is asked for, and its 101 reaches the client`() throws {
        let rig = try ConnectionRig(UpgradeSample.resources())
        let id = try rig.exchange(UpgradeSample.request())
        let sent = try #require(rig.sent[id])
        #expect(sent.contains("\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"))
        #expect(sent.contains("\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"))
        rig.receive(from: id, UpgradeSample.switching)
        #expect(rig.client.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
        #expect(rig.client.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
        #expect(rig.client.hasSuffix("\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"))
        #expect(rig.client.components(of: "pgrade: ") == 1)
        #expect(rig.actions.last == .beginTunnel)
    }

    /// As requests that smuggle would have it: most of them ask for what no route can allow, or say what they ask for so that
    /// two readers may differ.
    @Test(arguments: [
        "GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
        "GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nUpgrade: websocket\r\n\r\n",
        "GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nConnection: upgrade\r\n\r\n",
        "GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nConnection: upgrade\r\nUpgrade: websocket2\r\n\r\n",
        "GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nConnection: upgrade\r\nUpgrade: websocket h2c\r\n\r\n",
        "GET /v1/orders HTTP/1.0\r\nHost: api.acme.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        "POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        "GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello",
        "GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ])
    func `any other request goes on without the wish, and no 101 answers it`(request: String) throws {
        let rig = try ConnectionRig(UpgradeSample.resources())
        let id = try rig.exchange(request)
        let sent = try #require(rig.sent[id])
        #expect(!sent.lowercased().contains("upgrade") && !sent.contains("HTTP2-Settings"), "\(sent)")
        rig.receive(from: id, UpgradeSample.switching + "smuggled")
        #expect(rig.status == 502 && rig.actions.contains(.closeUpstream(id)) && !rig.client.contains("smuggled"))
        #expect(rig.observer.failures == [.malformed])
    }

    @Test func `a route that allows nothing forwards without the wish`() throws {
        let rig = try ConnectionRig([Sample.route(), Sample.cluster()])
        let id = try rig.exchange(UpgradeSample.request())
        #expect(rig.sent[id]?.lowercased().contains("upgrade") == false)
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(rig.status == 200 && rig.connection.isIdle)
    }

    @Test(arguments: [
        ("Upgrade: h2c, WebSocket, irc/6.9", "websocket"), ("Upgrade: h2c\r\nUpgrade: IRC/6.9, websocket", "irc/6.9"),
    ])
    func `of several protocols the first allowed one is asked for, and nothing else`(
        fields: String, expected: String
    ) throws {
        let rig = try ConnectionRig(UpgradeSample.resources(Upgrades(protocols: ["websocket", "irc/6.9"])))
        let id = try rig.exchange(UpgradeSample.request(fields))
        let sent = try #require(rig.sent[id])
        #expect(sent.contains("\r\nUpgrade: \(expected)\r\n") && sent.components(of: "Upgrade: ") == 1)
        #expect(!sent.contains("h2c"))
    }

    @Test(arguments: [
        "Connection: upgrade\r\nUpgrade: h2c\r\n", "Connection: upgrade\r\nUpgrade: websocket, h2c\r\n",
        "Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: websocket\r\n", "Connection: upgrade\r\n",
        "Upgrade: websocket\r\n", "",
    ])
    func `a 101 to another protocol is a 502`(fields: String) throws {
        let rig = try ConnectionRig(UpgradeSample.resources())
        let id = try rig.exchange(UpgradeSample.request())
        rig.receive(from: id, "HTTP/1.1 101 Switching Protocols\r\n\(fields)\r\nbytes")
        #expect(rig.status == 502 && rig.actions.last == .closeUpstream(id) && rig.connection.isIdle)
        #expect(rig.recorder.total.requests == 1)
    }

    @Test(arguments: [(200, ""), (426, "Connection: upgrade\r\nUpgrade: websocket\r\n"), (400, "")])
    func `any other answer is an answer like any other`(status: Int, fields: String) throws {
        let rig = try ConnectionRig(UpgradeSample.resources())
        let id = try rig.exchange(UpgradeSample.request())
        rig.receive(from: id, "HTTP/1.1 \(status) X\r\n\(fields)Content-Length: 2\r\n\r\nok")
        #expect(rig.status == status && rig.client.hasSuffix("\r\n\r\nok") && rig.connection.isIdle)
        #expect(rig.actions.last == .detach(id))
    }

    // MARK: - Bytes sent ahead

    @Test func `what is sent ahead waits for the 101`() throws {
        let rig = try ConnectionRig(UpgradeSample.resources())
        let id = try rig.exchange(UpgradeSample.request() + "early")
        #expect(rig.sent[id]?.contains("early") == false)
        rig.receive(" bird")
        rig.receive(from: id, "HTTP/1.1 103 Early Hints\r\n\r\n")
        #expect(rig.sent[id]?.hasSuffix("\r\n\r\n") == true)
        rig.receive(from: id, UpgradeSample.switching)
        #expect(rig.sent[id]?.hasSuffix("\r\n\r\nearly bird") == true)
    }

    @Test func `what is sent ahead is a request where nothing was switched, and goes through the phases`() throws {
        let rig = try ConnectionRig(UpgradeSample.resources())
        let id = try rig.exchange(UpgradeSample.request() + "GET /admin HTTP/1.1\r\nHost: api.acme.test\r\n\r\n")
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(rig.sent[id]?.contains("/admin") == false)
        #expect(rig.client.components(of: "HTTP/1.1 404 ") == 1)
    }

    @Test func `what is sent ahead is bounded`() throws {
        let rig = try ConnectionRig(UpgradeSample.resources())
        _ = try rig.exchange(UpgradeSample.request())
        for _ in 0..<8 where rig.readsClient { rig.receive(String(repeating: "x", count: 16 << 10)) }
        #expect(!rig.readsClient && rig.connection.backlog.count <= 80 << 10)
    }

    // MARK: - The phases before

    @Test func `keys, rate limits and quotas hold as for any request`() throws {
        let rig = try ConnectionRig(
            UpgradeSample.resources(requiresKey: true) + [Sample.key("secret"), Sample.quota()])
        rig.receive(UpgradeSample.request())
        #expect(rig.status == 401)
        _ = rig.takeClient()
        rig.receive(UpgradeSample.request("Upgrade: websocket\r\nX-Api-Key: secret"))
        rig.grant(10)
        let id = try rig.connect()
        #expect(rig.sent[id]?.contains("\r\nUpgrade: websocket\r\n") == true)
        rig.receive(from: id, UpgradeSample.switching)
        #expect(rig.status == 101 && rig.recorder.consumed.values.reduce(0, +) == 1)
        #expect(rig.recorder.series.keys.contains { $0.statusClass == 1 && $0.apiKey.low == 1 })
    }

    // MARK: - Trying again

    @Test(arguments: ["HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n", nil])
    func `what may have been switched is not sent again`(answer: String?) throws {
        let retries = Retries(on: [.reset, .status(503)])
        let rig = try ConnectionRig(UpgradeSample.resources(retries: retries))
        let id = try rig.exchange(UpgradeSample.request())
        if let answer { rig.receive(from: id, answer) } else { rig.does { $0.upstreamClosed(id) } }
        #expect(rig.status == (answer == nil ? 502 : 503) && rig.observer.exchanges.map(\.attempts) == [1])
    }

    @Test func `a tunnel gets a connection of its own, and one that waits where there may be no other`() throws {
        for bound in [2, 1] {
            let rig = try ConnectionRig(UpgradeSample.resources(), pool: PoolLimits(connections: bound))
            let first = try rig.exchange("GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\n\r\n")
            rig.receive(from: first, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            rig.receive(UpgradeSample.request())
            if bound == 1 { #expect(rig.actions.last == .attach(first)) } else { #expect(rig.connecting != nil) }
        }
    }

    // MARK: - Explaining

    @Test func `an explanation tells the protocol`() throws {
        let configuration = try GatewayConfiguration(Sample.snapshot(UpgradeSample.resources()))
        func upgrade(_ value: String) throws -> String? {
            try configuration.explain(
                .init(
                    method: "GET", host: "api.acme.test", target: "/v1/orders",
                    fields: [("Connection", "Upgrade"), ("Upgrade", value)])
            ).upgrade
        }
        #expect(try upgrade("WebSocket") == "websocket")
        #expect(try upgrade("h2c") == nil)
    }
}

/// A route that allows upgrades, and the messages of a WebSocket's beginning (RFC 6455 §1.3).
enum UpgradeSample {
    static func resources(
        _ upgrades: Upgrades = Upgrades(protocols: ["websocket"]), requiresKey: Bool = false,
        requestTimeout: Duration? = nil, retries: Retries? = nil
    ) -> [CompiledResource] {
        guard case .route(var route) = Sample.route(requiresKey: requiresKey) else { return [] }
        route.upgrades = upgrades
        return [.route(route), Sample.cluster(requestTimeout: requestTimeout, retries: retries)]
    }

    static func request(_ fields: String = "Upgrade: WebSocket") -> String {
        "GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nConnection: keep-alive, Upgrade\r\n\(fields)\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    }

    static let switching =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
}
