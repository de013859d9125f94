// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// What a gateway makes of requests that come through proxies: everything that goes by the client's address goes by the one found.
@Suite struct TrustedProxyTests {
    private let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    private func rig(
        _ resources: [CompiledResource] = [Sample.route(), Sample.cluster()], from peer: String = "10.0.0.1",
        over scheme: RequestForwarding.Scheme = .http, debugCheck: Gateway.DebugCheck? = nil,
        sampling: TraceSampling? = nil
    ) throws -> ConnectionRig {
        let rig = try ConnectionRig(
            resources, debugCheck: debugCheck, sampling: sampling, trustedProxies: OriginSample.proxies)
        rig.connection = ServerConnection(gateway: rig.gateway, client: OriginSample.client(peer), scheme: scheme)
        return rig
    }

    private func get(_ fields: String...) -> String {
        "GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\n\(fields.map { "\($0)\r\n" }.joined())\r\n"
    }

    /// Sends a request and has the upstream answer it, if it gets there. Returns what the upstream got, and the answer.
    private func exchange(_ rig: ConnectionRig, _ fields: String...) throws -> (sent: [String], answer: String) {
        let before = rig.sent
        rig.receive("GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\n\(fields.map { "\($0)\r\n" }.joined())\r\n")
        if rig.connecting != nil, rig.connection.upstreamID == rig.connecting { try rig.connect() }
        var sent: [String] = []
        if let id = rig.connection.upstreamID {
            sent = headLines(String(rig.sent[id]?.dropFirst(before[id]?.count ?? 0) ?? ""))
            rig.receive(from: id, ok)
        }
        return (sent, rig.takeClient())
    }

    private func status(_ rig: ConnectionRig, _ fields: String) throws -> Int? {
        try exchange(rig, fields).answer.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }

    private static let perAddress = [
        Sample.route(), Sample.cluster(),
        Sample.rateLimit(per: .address, limit: 2, interval: .seconds(3600)),
    ]

    @Test func `clients of one proxy have a rate limit each, request by request of one connection`() throws {
        let rig = try rig(Self.perAddress)
        let clients = ["203.0.113.1", "203.0.113.2", "203.0.113.1", "203.0.113.2", "203.0.113.1", "203.0.113.2"]
        let statuses = try clients.map { try status(rig, "X-Forwarded-For: 203.0.113.1, \($0)") }
        #expect(statuses == [200, 200, 200, 200, 429, 429])
        // Without a word of its client, the proxy counts as one.
        #expect(try (0..<3).map { _ in try status(rig, "X-A: b") } == [200, 200, 429])
    }

    @Test func `a client that is no proxy cannot choose whom it counts as`() throws {
        let rig = try rig(Self.perAddress, from: "203.0.113.9")
        let statuses = try (1...3).map { try status(rig, "X-Forwarded-For: 198.51.100.\($0)") }
        #expect(statuses == [200, 200, 429])
    }

    @Test func `clients of one network of IPv6 share a rate limit behind a proxy too`() throws {
        let rig = try rig(Self.perAddress)
        let statuses = try (1...3).map { try status(rig, "X-Forwarded-For: [2001:db8:b::\($0)]:80") }
        #expect(statuses == [200, 200, 429])
    }

    @Test func `conditions ask for the client's address, and not for the proxy's`() throws {
        let condition = try Condition("address in ['203.0.113.0/24']")
        let rig = try rig([Sample.route(condition: condition), Sample.cluster()])
        #expect(try status(rig, "X-Forwarded-For: 203.0.113.9, 10.0.0.2") == 200)
        #expect(try status(rig, "Forwarded: for=203.0.113.9") == 200)
        #expect(try status(rig, "X-Forwarded-For: 203.0.113.9, 198.51.100.1") == 404)
        #expect(try status(rig, "X-A: b") == 404)
    }

    @Test func `a service that goes by the address leads each client to an endpoint of its own`() throws {
        let balancing = LoadBalancing(algorithm: .maglev, hashOn: .address)
        let endpoints = (1...8).map { ("10.1.0.\($0)", 80) }
        let rig = try rig([Sample.route(), Sample.cluster(endpoints: endpoints, loadBalancing: balancing)])
        var places: Set<String> = []
        for client in 0..<40 {
            let hosts = try Set(
                (0..<2).map { _ in
                    rig.receive(get("X-Forwarded-For: 203.0.113.\(client)"))
                    if rig.connecting != nil, rig.connection.upstreamID == rig.connecting { try rig.connect() }
                    let id = try #require(rig.connection.upstreamID)
                    rig.receive(from: id, ok)
                    return rig.endpoint(of: id)?.host ?? ""
                })
            #expect(hosts.count == 1)
            places.formUnion(hosts)
        }
        #expect(places.count > 3)
    }

    @Test func `a cookie is for TLS only where the client came to its proxy over TLS`() throws {
        guard case .route(var route) = Sample.route() else { return }
        route.stickiness = Stickiness(.cookie("ab", lifetime: nil))
        let resources = [.route(route), Sample.cluster()]
        #expect(try exchange(try rig(resources), "X-Forwarded-Proto: https").answer.contains("; Secure"))
        #expect(try !exchange(try rig(resources, over: .https), "X-Forwarded-Proto: http").answer.contains("; Secure"))
        let stranger = try rig(resources, from: "203.0.113.9")
        #expect(try !exchange(stranger, "X-Forwarded-Proto: https").answer.contains("; Secure"))
    }

    @Test func `traces and whoever has the debug token are told of the client`() throws {
        let rig = try rig(
            debugCheck: { $0.elementsEqual("0123456789abcdef".utf8) }, sampling: TraceSampling(share: 1))
        let fields = ["X-Forwarded-For: 203.0.113.9, 10.0.0.2", "X-Forwarded-Proto: https"]
        let answer = try exchange(rig, fields[0], fields[1], "Turnpike-Debug: 0123456789abcdef").answer
        #expect(answer.contains("; client=203.0.113.9; "))
        #expect(rig.observer.traces.map(\.client) == ["203.0.113.9"] && rig.observer.traces[0].scheme == .https)
    }

    // MARK: - What upstreams get

    private func forwarding(_ lines: [String]) -> [String] {
        lines.filter { $0.lowercased().hasPrefix("x-forwarded-") || $0.lowercased().hasPrefix("forwarded") }
    }

    @Test func `what a trusted proxy tells goes on with the proxy's own address behind it`() throws {
        let rig = try rig(over: .https)
        let lines = try exchange(
            rig, "X-Forwarded-For: 1.1.1.1", "Forwarded: for=1.1.1.1", "X-Forwarded-Proto: http",
            "X-Forwarded-For: 203.0.113.9:80", "X-Forwarded-Host: shop.test", "Forwarded:", "Forwarded: for=203.0.113.9"
        ).sent
        #expect(
            forwarding(lines) == [
                "X-Forwarded-Proto: http", "X-Forwarded-Host: shop.test",
                "X-Forwarded-For: 1.1.1.1, 203.0.113.9:80, 10.0.0.1",
                "Forwarded: for=1.1.1.1, for=203.0.113.9, for=10.0.0.1;proto=https",
            ])
    }

    @Test func `where a trusted proxy speaks RFC 7239 only, upstreams are told both ways`() throws {
        let rig = try rig(from: "2001:db8:a::1")
        let lines = try exchange(rig, "Forwarded: for=\"[2001:DB8::7]:80\";proto=https").sent
        #expect(
            forwarding(lines) == [
                "X-Forwarded-For: 2001:db8::7, 2001:db8:a::1",
                "Forwarded: for=\"[2001:DB8::7]:80\";proto=https, for=\"[2001:db8:a::1]\";proto=http",
                "X-Forwarded-Proto: https", "X-Forwarded-Host: api.acme.test",
            ])
    }

    @Test func `of anybody else's word nothing goes on`() throws {
        let rig = try rig(from: "203.0.113.9")
        let lines = try exchange(
            rig, "X-Forwarded-For: 10.0.0.2", "X-Forwarded-Proto: https", "X-Forwarded-Host: b.test",
            "Forwarded: for=1.1.1.1", "X-Real-IP: 1.1.1.1"
        ).sent
        #expect(
            forwarding(lines) == [
                "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: http", "X-Forwarded-Host: api.acme.test",
            ])
        #expect(!lines.contains { $0.contains("1.1.1.1") })
    }

    @Test func `a route's change of Forwarded stands over what proxies tell`() throws {
        guard case .route(var route) = Sample.route() else { return }
        route.requestHeaders = HeaderEdits(set: [.init(name: "forwarded", value: "for=_hidden")])
        let rig = try rig([.route(route), Sample.cluster()])
        let lines = try exchange(rig, "Forwarded: for=203.0.113.9").sent
        #expect(lines.filter { $0.lowercased().hasPrefix("forwarded") } == ["forwarded: for=_hidden"])
    }

    @Test func `the size bound of a head holds where most is added`() throws {
        let rig = try rig(from: "2001:db8:a:1111:1111:1111:1111:1111", over: .https)
        let fields = (0..<20).flatMap { _ in ["Forwarded:a", "X-Forwarded-For:a"] }.joined(separator: "\r\n")
        #expect(try exchange(rig, fields).sent.count > 5)
        #expect(try exchange(rig, "Forwarded:for=\"[2001:db8:1:1111:1111:1111:1111:1111]\"").sent.count > 5)
    }

    @Test func `a request that cannot be read is the peer's`() throws {
        let rig = try rig()
        _ = try exchange(rig, "X-Forwarded-For: 203.0.113.9")
        #expect(rig.connection.client == OriginSample.client("203.0.113.9"))
        rig.receive("GET / HTTP/1.1\r\nX-Forwarded-For: 203.0.113.9\r\nHost : a\r\n\r\n")
        #expect(rig.status == 400 && rig.connection.client == OriginSample.client("10.0.0.1"))
    }
}
