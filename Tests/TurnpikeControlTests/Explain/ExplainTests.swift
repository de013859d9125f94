// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct ExplainTests {
    private func explain(
        _ test: TestPlane, _ path: String = "/v1/orders", host: String = "api.acme.test", key: String? = nil
    ) async throws(TurnpikeError) -> Explanation {
        var json = JSONObject(["host": .string(host), "path": .string(path)])
        json["key"] = key.map { .string($0) }
        return try await test.plane.explain(try ExplainRequest(json: .object(json)), for: .system)
    }

    @Test func `a key is found by its secret, as long as it is there, in its own tenant`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        try await test.seed("umbra", host: "api.umbra.test")
        let secret = try #require(try await test.write(.create(.apiKey, tenant: "acme", body: ["name": "p"])).secret)
        func outcome(host: String) async throws -> Explanation.Step.Outcome? {
            try await explain(test, host: host, key: secret).steps.first { $0.check == .apiKey }?.outcome
        }
        #expect(try await outcome(host: "api.acme.test") == .passes)
        #expect(try await outcome(host: "api.umbra.test") == .refuses)
        try await test.write(.patch(.apiKey, tenant: "acme", name: "p", patch: ["labels": ["a": "b"]]))
        #expect(try await outcome(host: "api.acme.test") == .passes)
        try await test.write(.delete(.apiKey, tenant: "acme", name: "p"))
        #expect(try await outcome(host: "api.acme.test") == .refuses)
    }

    @Test func `a route whose requests are mirrored elsewhere is explained as others are`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        try await test.write(.put(.service, tenant: "acme", name: "shadow", body: Body.service()))
        try await test.write(
            .patch(.route, tenant: "acme", name: "orders", patch: ["mirror": [["service": "shadow", "percent": 10]]]))
        let found = try await explain(test)
        #expect(found.route?.name == "orders" && found.mirrors.map(\.service) == ["shadow"])
    }

    @Test func `only routes of the host are looked at, wildcards too, and so many at most`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        try await test.write(
            .put(.route, tenant: "acme", name: "wild", body: Body.route(host: "*.acme.test", path: "/v1")))
        let many = (0...ControlPlane.mostRoutes).map { number -> JSON in
            [
                "kind": "route", "tenant": "acme", "name": .string("r\(number)"),
                "spec": Body.route(host: "many.test", path: "/\(number)"),
            ]
        }
        try await test.apply(["resources": .array(many)])
        let found = try await explain(test)
        #expect(found.candidates.map(\.route.name) == ["orders", "wild"])
        let refused = try await refusal { () throws(TurnpikeError) in try await explain(test, host: "many.test") }
        #expect(refused.code == .invalidParameter && refused.detail.contains("10000 routes"))
        try await test.write(.delete(.route, tenant: "acme", name: "r7"))
        #expect(try await explain(test, "/9", host: "many.test").route?.name == "r9")
    }
}
