// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

@Suite struct StickinessTests {
    private func resources(_ stickiness: Stickiness?, weights: [Int] = [90, 10]) -> [CompiledResource] {
        let names = weights.indices.map { "s\($0)" }
        guard case .route(var route) = Sample.route(backends: Array(zip(names, weights))) else { return [] }
        route.stickiness = stickiness
        return [.route(route)]
            + names.enumerated().map { Sample.cluster($1, endpoints: [("10.0.0.\($0)", 80)]) }
    }

    private func get(_ fields: String...) -> String {
        "GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n"
    }

    private let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    /// The endpoint that a request with these fields goes to, and what the client gets.
    private func send(_ rig: ConnectionRig, _ fields: String...) throws -> (host: String, answer: String) {
        rig.receive("GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n")
        if rig.connecting != nil { try rig.connect() }
        let id = try #require(rig.connection.upstreamID)
        rig.receive(from: id, answer)
        return (try #require(rig.endpoint(of: id)).host, rig.takeClient())
    }

    @Test func `the same value goes to the same backend, and the values as the weights say`() throws {
        let rig = try ConnectionRig(resources(Stickiness(.header("x-user"))))
        var counts: [String: Int] = [:]
        for user in 0..<600 {
            let first = try send(rig, "X-User: user-\(user)")
            #expect(try send(rig, "x-user: user-\(user)").host == first.host && !first.answer.contains("Set-Cookie"))
            counts[first.host, default: 0] += 1
        }
        #expect(30...100 ~= counts["10.0.0.1"] ?? 0, "\(counts)")
    }

    @Test func `every gateway makes the same choice, at every route of the same weights`() throws {
        let stickiness = GatewayStickiness(Stickiness(.header("x-user")), weights: [50, 30, 20])
        // Changing these moves the users of whoever upgrades.
        for (user, expected) in [("ada", 0), ("grace", 0), ("edsger", 1), ("barbara", 2), ("tony", 0)] {
            var random = RandomSource(seed: 1)
            let choice = try TestRequest(fields: [("X-User", user)]).withHead { head, bytes in
                stickiness.choose(head, bytes, random: &random)
            }
            #expect(choice?.backend == expected, "\(user)")
        }
    }

    @Test func `without the header requests are shared out by weight`() throws {
        let rig = try ConnectionRig(resources(Stickiness(.header("x-user")), weights: [1, 1]))
        let hosts = try (0..<4).map { _ in try send(rig).host }
        #expect(Set(hosts) == ["10.0.0.0", "10.0.0.1"])
    }

    @Test func `a client without the cookie is given one that brings it back`() throws {
        let key = Stickiness.Key.cookie("ab", lifetime: .seconds(3600))
        let rig = try ConnectionRig(resources(Stickiness(key), weights: [1, 1]))
        var hosts: Set<String> = []
        for _ in 0..<20 {
            let first = try send(rig, "Cookie: other=1; abc=2")
            let line = try #require(first.answer.split(separator: "\r\n").first { $0.hasPrefix("Set-Cookie: ab=") })
            #expect(line.hasSuffix("; Path=/; HttpOnly; SameSite=Lax; Max-Age=3600"))
            let cookie = line.dropFirst("Set-Cookie: ".count).prefix { $0 != ";" }
            for _ in 0..<3 {
                let again = try send(rig, "Cookie: other=1; \(cookie)")
                #expect(again.host == first.host && !again.answer.contains("Set-Cookie"))
            }
            hosts.insert(first.host)
        }
        #expect(hosts.count == 2)
    }

    @Test func `a cookie without a lifetime lasts as long as the browser is open`() throws {
        let rig = try ConnectionRig(resources(Stickiness(.cookie("ab", lifetime: nil))))
        let answer = try send(rig).answer
        #expect(answer.contains("; SameSite=Lax\r\n") && !answer.contains("Max-Age"))
    }

    @Test func `a client that came over TLS is given a cookie for TLS only, and the longest fits`() throws {
        let name = String(repeating: "n", count: 64)
        let key = Stickiness.Key.cookie(name, lifetime: .seconds(400 * 86_400))
        let rig = try ConnectionRig(resources(Stickiness(key)))
        for (scheme, isSecure) in [(RequestForwarding.Scheme.http, false), (.https, true)] {
            rig.connection.origin = RequestOrigin(peer: .unknown, over: scheme)
            let answer = try send(rig).answer
            let line = try #require(answer.split(separator: "\r\n").first { $0.hasPrefix("Set-Cookie: \(name)=") })
            #expect(line.contains("; Secure;") == isSecure && line.hasSuffix("; Max-Age=34560000"))
            #expect(answer.hasSuffix("\r\n\r\n"))
        }
        let stickiness = GatewayStickiness(Stickiness(key), weights: [1])
        let overflows = withUnsafeTemporaryAllocation(byteCount: stickiness.sizeBound, alignment: 1) { memory in
            var writer = ByteWriter(memory)
            stickiness.writeCookie(StickyCookie(value: .max), over: .https, to: &writer)
            return writer.overflowed
        }
        #expect(!overflows)
    }

    @Test func `a backend that cannot be used gives its requests to the others, and gets them back`() throws {
        let rig = try ConnectionRig(resources(Stickiness(.header("x-user")), weights: [1, 1]))
        let home = try send(rig, "X-User: ada").host
        // Its idle connection is lost, and no new one can be made.
        rig.receive(get("X-User: ada"))
        let lost = try #require(rig.connection.upstreamID)
        rig.does { $0.upstreamUnusable(lost) }
        rig.does { $0.upstreamFailed(rig.connecting ?? lost) }
        let other = try rig.connect()
        #expect(try #require(rig.endpoint(of: other)).host != home)
        rig.receive(from: other, answer)
        rig.advance(by: 60_000_000_000)
        #expect(try send(rig, "X-User: ada").host == home)
    }

    @Test func `weights of zero get nothing, and no weight at all no choice`() throws {
        let stickiness = GatewayStickiness(Stickiness(.header("x")), weights: [0, 5, 0])
        let none = GatewayStickiness(Stickiness(.header("x")), weights: [0, 0])
        for value in 0..<200 {
            var random = RandomSource(seed: 1)
            try TestRequest(fields: [("x", "\(value)")]).withHead { head, bytes in
                #expect(stickiness.choose(head, bytes, random: &random)?.backend == 1)
                #expect(none.choose(head, bytes, random: &random) == nil)
            }
        }
    }
}
