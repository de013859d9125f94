// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// Rate limits as requests meet them.
@Suite struct RateLimitingTests {
    private let get = "GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nX-Api-Key: secret\r\n\r\n"

    private func resources(_ limits: CompiledResource...) -> [CompiledResource] {
        [Sample.route(requiresKey: true), Sample.cluster(), Sample.key("secret", id: 1)] + limits
    }

    /// Sends a request and has the upstream answer it, if it gets there.
    private func status(_ rig: ConnectionRig) throws -> Int? {
        rig.receive(get)
        if rig.connecting != nil, rig.connection.upstreamID == rig.connecting { try rig.connect() }
        if let id = rig.connection.upstreamID { rig.receive(from: id, "HTTP/1.1 204 No Content\r\n\r\n") }
        defer { _ = rig.takeClient() }
        return rig.status
    }

    private func subject(_ low: UInt64 = 1) -> Probe.Subject {
        Probe.Subject(policy: ResourceID(high: 13, low: low), subject: ResourceID(high: 12, low: 1))
    }

    @Test func `a request that one limit refuses takes nothing of the others, wherever that one stands`() throws {
        // Requests meet them in the order of their names.
        for (wide, narrow) in [("a", "b"), ("b", "a")] {
            let rig = try ConnectionRig(
                resources(
                    Sample.rateLimit(wide, id: 1, per: .key, limit: 10, interval: .seconds(3600)),
                    Sample.rateLimit(narrow, id: 2, per: .key, limit: 2, interval: .seconds(3600))))
            #expect(try (0..<5).map { _ in try status(rig) } == [204, 204, 429, 429, 429])
            let answer = rig.gateway.answer(Probe(id: 1, subjects: [subject(1), subject(2)]))
            #expect(answer.states.map { $0?.remaining } == [8, 0])
        }
    }

    @Test(
        arguments: [
            (RouteSelector(), true), (RouteSelector(routes: ["orders"]), true),
            (RouteSelector(routes: ["other"]), false), (RouteSelector(labels: ["tier": "gold"]), true),
            (RouteSelector(labels: ["tier": "silver"]), false),
            (RouteSelector(routes: ["other"], labels: ["tier": "gold"]), true),
        ])
    func `a limit holds for the routes that it selects`(selector: RouteSelector, isSelected: Bool) throws {
        let rig = try ConnectionRig([
            Sample.route(requiresKey: true, labels: ["tier": "gold"]), Sample.cluster(), Sample.key("secret", id: 1),
            Sample.rateLimit(per: .key, limit: 1, interval: .seconds(3600), selector: selector),
        ])
        #expect(try (0..<2).map { _ in try status(rig) } == [204, isSelected ? 429 : 204])
    }

    @Test func `loops of one gateway share what a client may do`() throws {
        let limiter = RateLimiter()
        let limit = Sample.rateLimit(per: .key, limit: 3, interval: .seconds(3600))
        let loops = try (0..<2).map { _ in try ConnectionRig(resources(limit), rateLimiter: limiter) }
        #expect(try [0, 1, 1, 0, 1].map { try status(loops[$0]) } == [204, 204, 204, 429, 429])
        for loop in loops {
            let answer = loop.gateway.answer(Probe(id: 1, subjects: [subject()]))
            #expect(answer.states == [.init(remaining: 0, resetAfterMillis: 3_600_000)])
        }
    }

    @Test func `a probe goes by the newest rate, and knows nothing of strangers`() throws {
        let rig = try ConnectionRig(resources(Sample.rateLimit(per: .key, limit: 4, interval: .seconds(3600))))
        let stranger = Probe.Subject(policy: ResourceID(high: 13, low: 1), subject: ResourceID(high: 99, low: 1))
        let probe = Probe(id: 1, subjects: [subject(), stranger, subject(7)])
        #expect(rig.gateway.answer(probe).states == [nil, nil, nil])
        #expect(try status(rig) == 204)
        #expect(rig.gateway.answer(probe).states == [.init(remaining: 3, resetAfterMillis: 900_000), nil, nil])

        let faster = resources(Sample.rateLimit(per: .key, limit: 8, interval: .seconds(3600)))
        _ = rig.gateway.apply(try rig.state.apply(Sample.whole(faster)))
        #expect(rig.gateway.answer(probe).states == [.init(remaining: 6, resetAfterMillis: 900_000), nil, nil])
    }
}
