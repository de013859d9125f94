// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// Whoever shows the debug token is told what becomes of the request, and nobody else is.
@Suite struct DebugTests {
    private static let token = "0123456789abcdef"

    private func rig(_ resources: [CompiledResource]) throws -> ConnectionRig {
        try ConnectionRig(resources, debugCheck: { String(decoding: $0, as: UTF8.self) == Self.token })
    }

    private func get(_ fields: String, path: String = "/v1/orders") -> String {
        "GET \(path) HTTP/1.1\r\nHost: api.acme.test\r\n\(fields)\r\n"
    }

    private func report(_ rig: ConnectionRig) -> [String]? {
        let line = rig.client.split(separator: "\r\n").first { $0.hasPrefix("Turnpike-Debug: ") }
        return line?.dropFirst(16).split(separator: "; ").map(String.init)
    }

    @Test func `the answer tells route, key, limits, endpoint, tries and times`() throws {
        let rig = try rig([
            Sample.route(requiresKey: true), Sample.cluster(),
            Sample.key("secret"), Sample.rateLimit(per: .key, limit: 5), Sample.quota(),
        ])
        rig.receive(get("X-Api-Key: secret\r\nTurnpike-Debug: \(Self.token)\r\n"))
        rig.grant(10)
        rig.advance(by: 2_500_000)
        let id = try rig.connect()
        #expect(rig.sent[id]?.contains("Turnpike-Debug") == false)
        rig.advance(by: 40_001_000)
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nTurnpike-Debug: forged\r\nContent-Length: 0\r\n\r\n")
        let key = ResourceID(high: 12, low: 1).text(prefix: "key")
        #expect(
            report(rig) == [
                "revision=1", "route=acme/orders", "key=\(key)", "client=192.0.2.7", "rate=burst:4",
                "quota=monthly", "decision=forwarded",
                "service=orders", "endpoint=10.0.0.1:80", "attempts=1", "sent-ms=2.500", "upstream-ms=40.001",
                "total-ms=42.501",
            ])
        #expect(!rig.client.contains("forged"))
    }

    @Test func `a refusal tells its reason`() throws {
        let rig = try rig([Sample.route(requiresKey: true), Sample.cluster()])
        rig.receive(get("Turnpike-Debug: \(Self.token)\r\n"))
        #expect(rig.status == 401)
        #expect(
            report(rig) == [
                "revision=1", "route=acme/orders", "client=192.0.2.7", "decision=unauthenticated", "total-ms=0.000",
            ])
        _ = rig.takeClient()
        rig.receive(get("Turnpike-Debug: \(Self.token)\r\n", path: "/nowhere"))
        #expect(report(rig) == ["revision=1", "client=192.0.2.7", "decision=no-route", "total-ms=0.000"])
    }

    @Test func `an upstream that cannot be reached is named`() throws {
        let rig = try rig([Sample.route(), Sample.cluster()])
        rig.receive(get("Turnpike-Debug: \(Self.token)\r\n"))
        let id = try #require(rig.connecting)
        rig.does { $0.upstreamFailed(id) }
        #expect(rig.status == 503 && report(rig)?.contains("decision=no-healthy-upstream") == true)
        #expect(report(rig)?.contains("attempts=1") == true)
    }

    @Test func `an answer of the route's own has it too`() throws {
        guard case .route(var route) = Sample.route() else { return }
        route.backends = []
        route.respond = DirectResponse(status: 200, contentType: "text/plain", body: "hello")
        let rig = try rig([.route(route)])
        rig.receive(get("Turnpike-Debug: \(Self.token)\r\n"))
        #expect(report(rig)?.contains("decision=answered") == true && rig.client.hasSuffix("\r\n\r\nhello"))
    }

    @Test(arguments: [
        "", "Turnpike-Debug: wrong-0123456789\r\n", "Turnpike-Debug: 0123456789abcdef0\r\n", "Turnpike-Debug:\r\n",
        "Turnpike-Debug: 0123456789abcdef\r\nTurnpike-Debug: 0123456789abcdef\r\n",
    ])
    func `nobody else is told, and the field goes no further`(fields: String) throws {
        let rig = try rig([Sample.route(), Sample.cluster()])
        let id = try rig.exchange(get(fields))
        #expect(rig.sent[id]?.contains("Turnpike-Debug") == false)
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(rig.status == 200 && report(rig) == nil)
    }

    @Test func `without a token at the gateway nothing opens it`() throws {
        let rig = try ConnectionRig([Sample.route(), Sample.cluster()])
        rig.receive(get("Turnpike-Debug: \(Self.token)\r\n", path: "/nowhere"))
        #expect(rig.status == 404 && report(rig) == nil)
    }
}
