// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeCompiler

@Suite struct CompilationTests {
    @Test func `a route carries its match, its backends and the names of its limits in order`() throws {
        let state = TestState([
            try Acme.tenant(), try Acme.route("orders"), try Acme.policy("z-burst"), try Acme.policy("a-slow"),
            try Acme.quota("monthly"),
        ])
        guard case .route(let route)? = state.compile(.route, "orders") else {
            Issue.record("The route was not compiled.")
            return
        }
        #expect(route.tenantID == ResourceID(high: 1, low: 1))
        #expect(route.hosts == ["api.acme.test"])
        #expect(route.paths == [.prefix("/orders")])
        #expect(route.methods == ["GET"])
        #expect(route.priority == 5)
        #expect(route.requiresKey)
        #expect(route.backends == [.init(cluster: "orders", weight: 100)])
        #expect(route.rateLimits == ["a-slow", "z-burst"])
        #expect(route.quotas == ["monthly"])
    }

    @Test func `a route without authentication is open to all`() throws {
        let state = TestState([try Acme.tenant(), try Acme.route("orders", openToAll: true)])
        guard case .route(let route)? = state.compile(.route, "orders") else {
            Issue.record("The route was not compiled.")
            return
        }
        #expect(!route.requiresKey)
    }

    @Test(
        arguments: [
            (nil, true), (["routes": ["orders"]], true), (["routes": ["other"]], false),
            (["labels": ["tier": "gold"]], true), (["labels": ["tier": "silver"]], false),
            (["labels": ["tier": "gold", "zone": "eu"]], false),
            (["routes": ["other"], "labels": ["tier": "gold"]], true),
        ] as [(JSON?, Bool)])
    func `limits go with the routes that their selector selects`(selector: JSON?, isSelected: Bool) throws {
        let state = TestState([
            try Acme.tenant(), try Acme.route("orders", labels: ["tier": "gold"]),
            try Acme.policy("burst", selector: selector), try Acme.quota("monthly", selector: selector),
        ])
        guard case .route(let route)? = state.compile(.route, "orders") else {
            Issue.record("The route was not compiled.")
            return
        }
        #expect(route.rateLimits == (isSelected ? ["burst"] : []))
        #expect(route.quotas == (isSelected ? ["monthly"] : []))
    }

    @Test func `a key that is disabled or was never issued is not compiled`() throws {
        #expect(TestState([try Acme.tenant(), try Acme.key()]).compile(.key, "partner") != nil)
        #expect(TestState([try Acme.tenant(), try Acme.key(enabled: false)]).compile(.key, "partner") == nil)
        #expect(TestState([try Acme.tenant(), try Acme.key(digest: "")]).compile(.key, "partner") == nil)
    }

    @Test func `a certificate whose key is not sealed is not compiled`() throws {
        #expect(TestState([try Acme.tenant(), try Acme.certificate()]).compile(.certificate, "api") != nil)
        for key in [nil, Certificate.PrivateKey.plain("-----BEGIN PRIVATE KEY-----")] {
            let state = TestState([try Acme.tenant(), try Acme.certificate(key: key)])
            #expect(state.compile(.certificate, "api") == nil)
        }
    }

    @Test func `nothing is compiled for a tenant that is not there`() throws {
        let state = TestState([try Acme.route("orders"), try Acme.service(), try Acme.key()])
        #expect(state.compile(.route, "orders") == nil)
        #expect(state.compile(.cluster, "orders") == nil)
        #expect(state.compileAll().isEmpty)
    }

    @Test func `zones are told only of services that ask for them`() throws {
        for (asks, zone) in [(true, "eu-a"), (false, nil)] {
            let body: JSON = [
                "endpoints": [["host": "127.0.0.1", "port": 9001, "zone": "eu-a"]],
                "loadBalancing": asks ? ["localityAwareness": [:]] : [:],
            ]
            let state = TestState([
                try Acme.tenant(), try .fixture(Service.self, tenant: "acme", "orders", body, id: 20),
            ])
            guard case .cluster(let cluster)? = state.compile(.cluster, "orders") else {
                Issue.record("no cluster")
                continue
            }
            #expect(cluster.endpoints.map(\.zone) == [zone])
        }
    }

    @Test(arguments: CompiledResource.ResourceType.allCases)
    func `each type has its golden form`(type: CompiledResource.ResourceType) throws {
        let state = TestState([
            try Acme.tenant(), try Acme.route("orders", labels: ["tier": "gold"]), try Acme.service(), try Acme.key(),
            try Acme.policy("burst"), try Acme.quota("monthly", selector: ["labels": ["tier": "gold"]]),
            try Acme.certificate(),
        ])
        let compiled = try #require(state.compileAll().values.first { $0.type == type })
        let text = compiled.json.prettyText
        #expect(try Golden("\(type.rawValue).json").text(updatedWith: text) == text)
    }

    @Test func `a cluster carries all that its service says`() throws {
        let service = try Resource.fixture(Service.self, tenant: "acme", "orders", Acme.fullService, id: 20)
        let cluster = try #require(TestState([try Acme.tenant(), service]).compile(.cluster, "orders"))
        let text = cluster.json.prettyText
        #expect(try Golden("cluster-full.json").text(updatedWith: text) == text)
    }
}
