// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// Which phases a request takes, and in which order.
@Suite struct RequestPhaseTests {
    private func phases(_ route: CompiledResource, _ limits: CompiledResource...) throws -> [String] {
        let configuration = try GatewayConfiguration(Sample.snapshot([route, Sample.cluster()] + limits))
        let tenant = try #require(configuration.tenants[0])
        let route = try #require(tenant.routes.values.first)
        var phases = route.phases
        if let limits = tenant.limits(of: route) { phases.formUnion(limits.phases) }
        var names: [String] = []
        while let phase = phases.popFirst() { names.append(phase.name) }
        return names
    }

    @Test func `a route's requests take the phases that it asks for, in order, and no other`() throws {
        #expect(try phases(Sample.route()) == ["account", "forward"])
        #expect(try phases(Sample.route(requiresKey: true)) == ["account", "apiKey", "forward"])
        #expect(try phases(Sample.route(maxContentBytes: 0)) == ["account", "maxContentBytes", "forward"])
        let (rateLimit, quota) = (Sample.rateLimit(per: .key, limit: 1), Sample.quota())
        #expect(try phases(Sample.route(), rateLimit, quota) == ["account", "rateLimit", "quota", "forward"])
        #expect(
            try phases(Sample.route(requiresKey: true, maxContentBytes: 1), rateLimit, quota)
                == RequestPhase.allCases.dropFirst().map(\.name))
    }

    @Test func `the first phase that would refuse a request answers it`() throws {
        let rig = try ConnectionRig([
            Sample.route(requiresKey: true, maxContentBytes: 4),
            Sample.cluster(), Sample.key("secret"), Sample.rateLimit(per: .route, limit: 1, interval: .seconds(60)),
            Sample.quota(limit: 1),
        ])
        func post(_ content: String, to path: String = "/v1/orders", key: String? = "secret") -> String {
            let field = key.map { "X-Api-Key: \($0)\r\n" } ?? ""
            return
                "POST \(path) HTTP/1.1\r\nHost: api.acme.test\r\n\(field)Content-Length: \(content.utf8.count)\r\n\r\n"
                + content
        }
        func answer(_ request: String) -> Int? {
            _ = rig.takeClient()
            rig.receive(request)
            return rig.status
        }
        // Takes the one request of the rate limit, and learns that the quota is used up.
        rig.receive(post("1234"))
        rig.grant(0, exhausted: true)
        #expect(rig.status == 429 && rig.client.contains("quota-exceeded"))

        rig.recorder.canRecord = false
        #expect(answer(post("12345", to: "/nowhere", key: nil)) == 404)
        #expect(answer(post("12345", key: nil)) == 503)
        rig.recorder.canRecord = true
        #expect(answer(post("12345", key: nil)) == 401)
        #expect(answer(post("12345")) == 413)
        #expect(answer(post("1234")) == 429 && rig.client.contains("rate-limited"))
        rig.advance(by: 60_000_000_000)
        #expect(answer(post("1234")) == 429 && rig.client.contains("quota-exceeded"))
        #expect(rig.connecting == nil && rig.recorder.consumed.isEmpty && rig.recorder.total.units == 0)
    }
}
