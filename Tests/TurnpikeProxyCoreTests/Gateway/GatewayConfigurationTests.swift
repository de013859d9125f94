// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

@Suite struct GatewayConfigurationTests {
    private func reasons(_ resources: [CompiledResource]) -> [String] {
        do throws(GatewayConfiguration.Rejection) {
            _ = try GatewayConfiguration(Sample.snapshot(resources))
            return []
        } catch {
            return error.reasons.map { "\($0.name): \($0.detail)" }.sorted()
        }
    }

    @Test func `everything that leads nowhere is named at once`() {
        #expect(
            reasons([
                Sample.route("a", id: 1, backends: [("nowhere", 1)]),
                Sample.route("b", id: 2, backends: [("orders", 1), ("elsewhere", 1)]), Sample.cluster(),
            ]) == [
                "route/acme/a: There is no cluster/acme/nowhere.", "route/acme/b: There is no cluster/acme/elsewhere.",
            ]
        )
    }

    @Test func `another tenant's service is no service`() {
        #expect(
            reasons([Sample.route(), Sample.cluster(tenant: "other")])
                == ["route/acme/orders: There is no cluster/acme/orders."]
        )
    }

    @Test func `every route with a bad pattern is named`() {
        let found = reasons([
            Sample.route("good", id: 1), Sample.route("bad", id: 2, paths: [.regex("(")]),
            Sample.route("worse", id: 3, paths: [.template("/a/{b")]), Sample.cluster(),
        ])
        #expect(found.count == 2)
        #expect(found[0].hasPrefix("route/acme/bad: '(' cannot be matched:"))
        #expect(found[1].hasPrefix("route/acme/worse: '/a/{b' cannot be matched:"))
    }

    @Test func `two keys with one digest are refused`() {
        let found = reasons([Sample.key("secret", id: 1), Sample.key("secret", id: 2)])
        #expect(found.count == 1 && found[0].hasSuffix("Another key has the same digest."))
    }

    @Test func `reasons are bounded`() {
        let routes = (0..<500).map { Sample.route("r\($0)", id: UInt64($0), backends: [("nowhere", 1)]) }
        #expect(reasons(routes).count == GatewayConfiguration.mostReasons)
    }

    @Test func `a key finds itself among ten thousand, and nothing else finds it`() throws {
        let keys = (0..<10_000).map { Sample.key("secret-\($0)", id: UInt64($0)) }
        let configuration = try GatewayConfiguration(Sample.snapshot(keys))
        #expect(configuration.keyCount == 10_000)
        for number in 0..<10_000 {
            #expect(configuration.keys.find(Sample.digest("secret-\(number)"))?.id.low == UInt64(number))
            #expect(configuration.keys.find(Sample.digest("secret_\(number)")) == nil)
        }
    }

    @Test func `of routes that nothing else tells apart the oldest wins`() throws {
        let rig = try ConnectionRig([
            Sample.route("young", id: 9), Sample.route("old", id: 3), Sample.route("middle", id: 5), Sample.cluster(),
        ])
        rig.receive("GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\n\r\n")
        #expect(rig.connection.request.route?.name == "old")
    }
}
