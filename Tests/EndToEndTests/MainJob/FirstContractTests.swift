// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
import Testing
import TurnpikeModel
import TurnpikeTestSupport

/// The main job by REST: written, compiled, streamed, enforced at the gateway, reported back.
@Suite(.serialized) struct FirstContractTests {
    @Test func `what is written by REST is enforced at the gateway and reported back`() async throws {
        try await Stage.with { stage in
            let origin = try await Origin.start()
            let plane = try await ControlPlaneProcess.start(on: stage)
            let gateway = try await GatewayProcess.start(joining: plane, on: stage)
            let key = try await write(the: plane, origin)

            let served = try await gateway.get("/v1/orders/7?page=2", key: key)
            #expect(served.status == 200)
            #expect(served.text == "/v1/orders/7?page=2")
            for number in 2...5 { #expect(try await gateway.get("/v1/orders/\(number)", key: key).status == 200) }
            try await expectRefusals(by: gateway, key: key)
            #expect(origin.requests == 5)

            // 401 and 404 of a known host count under the tenant too; only what was served is money.
            try await until("the usage has arrived") { try await plane.usage()["2xx"] == 5 }
            let report = try await plane.call(.GET, "/v1/tenants/acme/usage?groupBy=key,route,statusClass&bucket=day")
            let rows = (report["data"]?.array ?? []).filter { $0["statusClass"] == "2xx" }
            #expect(rows.count == 1)
            #expect(rows.first?["route"] == "orders")
            #expect(rows.first?["requests"] == 5)
            #expect(rows.first?["key"]?.string?.hasPrefix("key_") == true)
            #expect(try await gateway.process.terminate() == 0)
            #expect(try await plane.process.terminate() == 0)
            try await origin.stop()
        }
    }

    /// The bodies of the first contract, each as it is documented. Returns the key.
    private func write(the plane: ControlPlaneProcess, _ origin: Origin) async throws -> String {
        let tenant = try await plane.send(
            .POST, "/v1/tenants",
            [
                "name": "acme", "displayName": "Acme GmbH", "timeZone": "Europe/Berlin",
            ])
        #expect(tenant.status == 201)
        #expect(tenant.headers.first(name: "Location") == "/v1/tenants/acme")
        try await plane.call(
            .PUT, "/v1/tenants/acme/services/orders",
            [
                "protocol": "http",
                "endpoints": [["host": "127.0.0.1", "port": .integer(Int64(origin.port)), "weight": 1]],
            ])
        try await plane.call(
            .PUT, "/v1/tenants/acme/routes/orders",
            [
                "match": ["hosts": ["api.acme.test"], "paths": [["prefix": "/v1/orders"]], "methods": ["GET"]],
                "auth": ["anyOf": [["apiKey": .object(JSONObject())]]],
                "backends": [["service": "orders", "weight": 100]],
            ])
        try await plane.call(
            .PUT, "/v1/tenants/acme/quotas/monthly",
            [
                "limit": 1_000_000, "unit": "requests", "period": "month", "enforcement": "hard",
            ])
        try await plane.call(
            .PUT, "/v1/tenants/acme/policies/burst",
            [
                "kind": "rateLimit", "per": "key", "limit": 100, "interval": "1s", "burst": 200,
            ])
        let key = try await plane.send(
            .POST, "/v1/tenants/acme/api-keys?wait=applied&timeout=30s", ["name": "partner-1"])
        #expect(key.status == 201)
        #expect(key.json["id"]?.string?.hasPrefix("key_") == true)
        return try #require(key.json["key"]?.string)
    }

    private func expectRefusals(by gateway: GatewayProcess, key: String) async throws {
        let withoutKey = try await gateway.get("/v1/orders/7")
        #expect(withoutKey.status == 401)
        #expect(withoutKey.headers.first(name: "Content-Type") == "application/problem+json")
        #expect(
            try await gateway.get("/v1/orders/7", key: "tp_live_" + String(repeating: "0", count: 32)).status == 401)
        #expect(try await gateway.get("/v2/orders", key: key).status == 404)
        #expect(try await gateway.get("/v1/orders/7", host: "other.test", key: key).status == 404)
    }

    @Test func `an explanation tells what gateways have left of a rate limit`() async throws {
        try await Stage.with { stage in
            let origin = try await Origin.start()
            let plane = try await ControlPlaneProcess.start(on: stage)
            let gateway = try await GatewayProcess.start(joining: plane, on: stage)
            let key = try await plane.serveOrders(from: origin)
            try await plane.call(
                .PUT, "/v1/tenants/acme/policies/burst?wait=applied&timeout=30s",
                ["kind": "rateLimit", "per": "key", "limit": 1, "interval": "1h", "burst": 3])
            for (sent, left) in [(0, 3), (1, 2), (2, 0)] {
                for _ in 0..<sent { #expect(try await gateway.get("/v1/orders/7", key: key).status == 200) }
                let explained = try await plane.call(
                    .POST, "/v1/explain",
                    ["host": "api.acme.test", "path": "/v1/orders/7", "key": .string(key)])
                let limit = try #require(explained["steps"]?.array?.first { $0["check"] == "rateLimit" })
                #expect(limit["state"]?["workers"]?[0]?["worker"] == "gateway-1")
                #expect(limit["state"]?["workers"]?[0]?["remaining"]?.integer == Int64(left))
                #expect(limit["outcome"]?.string == (left > 0 ? "passes" : "refuses"))
                #expect(explained["outcome"]?["forwarded"]?.bool == (left > 0))
            }
            #expect(try await gateway.get("/v1/orders/7", key: key).status == 429)
            try await origin.stop()
        }
    }

    @Test func `content that a route does not take is refused, explained, and no unit of anything`() async throws {
        try await Stage.with { stage in
            let origin = try await Origin.start()
            let plane = try await ControlPlaneProcess.start(on: stage)
            let gateway = try await GatewayProcess.start(joining: plane, on: stage)
            let key = try await plane.serveOrders(from: origin)
            try await plane.call(
                .PATCH, "/v1/tenants/acme/routes/orders?wait=applied&timeout=30s",
                ["match": ["methods": ["POST"]], "maxContentBytes": 8])
            func post(_ content: JSON) async throws -> Exchange {
                let headers = [("Host", "api.acme.test"), ("X-Api-Key", key)]
                return try await Exchange.send(.POST, gateway.url + "/v1/orders", headers: headers, body: content)
            }
            #expect(try await post("123456").status == 200)
            let refused = try await post("1234567")
            #expect(refused.status == 413 && refused.text.contains("body-too-large"))
            #expect(origin.requests == 1)
            let explained = try await plane.call(
                .POST, "/v1/explain",
                [
                    "method": "POST", "host": "api.acme.test", "path": "/v1/orders", "key": .string(key),
                    "headers": ["content-length": "9"],
                ])
            #expect(explained["outcome"]?["code"] == "body-too-large")
            try await until("the usage has arrived") { try await plane.usage() == ["2xx": 1, "4xx": 1] }
            let report = try await plane.call(.GET, "/v1/tenants/acme/usage?groupBy=statusClass")
            let units = (report["data"]?.array ?? []).map { [$0["statusClass"], $0["units"]] }
            #expect(Set(units) == [["2xx", 1], ["4xx", 0]])
            try await origin.stop()
        }
    }

    @Test func `a write that waits is enforced when it is answered`() async throws {
        try await Stage.with { stage in
            let origin = try await Origin.start()
            let plane = try await ControlPlaneProcess.start(on: stage)
            let gateway = try await GatewayProcess.start(joining: plane, on: stage)
            let key = try await plane.serveOrders(from: origin)
            let target = "/v1/tenants/acme/routes/"
            for number in 1...20 {
                try await plane.call(
                    .PUT, "\(target)r\(number)?wait=applied&timeout=30s",
                    [
                        "match": ["hosts": ["api.acme.test"], "paths": [["exact": .string("/r\(number)")]]],
                        "backends": [["service": "orders"]],
                    ])
                #expect(try await gateway.get("/r\(number)").status == 200)
                _ = try await plane.call(.DELETE, "\(target)r\(number)?wait=applied&timeout=30s")
                #expect(try await gateway.get("/r\(number)").status == 404)
            }
            try await plane.call(.DELETE, "/v1/tenants/acme/api-keys/partner-1?wait=applied&timeout=30s")
            #expect(try await gateway.get("/v1/orders/7", key: key).status == 401)
            try await origin.stop()
        }
    }
}
