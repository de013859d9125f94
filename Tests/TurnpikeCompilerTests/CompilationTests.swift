// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeCompiler

@Suite struct CompilationTests {
    @Test func `a route carries its match, its backends and the labels that limits select it by`() throws {
        let state = TestState([try Acme.tenant(), try Acme.route("orders", labels: ["tier": "gold"])])
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
        #expect(route.labels == ["tier": "gold"])
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
        guard case .route(let route)? = state.compile(.route, "orders"),
            case .rateLimit(let burst)? = state.compile(.rateLimit, "burst"),
            case .quota(let monthly)? = state.compile(.quota, "monthly")
        else {
            Issue.record("Not all was compiled.")
            return
        }
        #expect(route.isSelected(by: burst.selector) == isSelected)
        #expect(route.isSelected(by: monthly.selector) == isSelected)
        let snapshot = Snapshot(revision: 1, resources: state.compileAll())
        #expect(snapshot.rateLimits(of: route) == (isSelected ? [burst] : []))
        #expect(snapshot.quotas(of: route) == (isSelected ? [monthly] : []))
    }

    @Test func `a route's limits come in the order of their names, and another tenant's are none`() throws {
        let other = try Resource.fixture(Tenant.self, "globex", [:], id: 9)
        let body: JSON = ["kind": "rateLimit", "per": "key", "limit": 1, "interval": "1s"]
        let state = TestState([
            try Acme.tenant(), try Acme.route("orders"), try Acme.policy("z-burst"), try Acme.policy("a-slow"),
            other, try .fixture(Policy.self, tenant: "globex", "theirs", body, id: 10),
        ])
        guard case .route(let route)? = state.compile(.route, "orders") else {
            Issue.record("The route was not compiled.")
            return
        }
        let snapshot = Snapshot(revision: 1, resources: state.compileAll())
        #expect(snapshot.rateLimits(of: route).map(\.name) == ["a-slow", "z-burst"])
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
