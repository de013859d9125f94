// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
import Testing
import TurnpikeModel
import TurnpikeTestSupport

/// A gateway that knows its zone, and a service with an endpoint there and one elsewhere.
@Suite(.serialized) struct ZoneServingTests {
    @Test(arguments: ["nio", "epoll"])
    func `requests stay in the gateway's zone as long as there is a healthy endpoint`(
        on transport: String
    ) async throws {
        try await Stage.with { stage in
            let (near, far) = (try await Origin.start(), try await Origin.start())
            let plane = try await ControlPlaneProcess.start(on: stage)
            func endpoint(_ origin: Origin, _ zone: String) -> JSON {
                ["host": "127.0.0.1", "port": .integer(Int64(origin.port)), "zone": .string(zone)]
            }
            try await plane.call(.POST, "/v1/tenants", ["name": "acme"])
            try await plane.call(
                .PUT, "/v1/tenants/acme/services/orders",
                [
                    "endpoints": [endpoint(far, "eu-b"), endpoint(near, "eu-a")],
                    "loadBalancing": ["localityAwareness": [:]],
                    "healthCheck": ["tcp": [:], "interval": "1s", "unhealthyAfter": 1],
                ])
            let match: JSON = ["hosts": ["api.acme.test"], "paths": [["prefix": "/"]]]
            try await plane.call(
                .PUT, "/v1/tenants/acme/routes/orders", ["match": match, "backends": [["service": "orders"]]])
            let gateway = try await GatewayProcess.start(
                joining: plane, on: stage, options: ["--transport", transport, "--loops", "1", "--zone", "eu-a"])
            let worker = try await plane.call(.GET, "/v1/workers")["data"]?[0]
            #expect(worker?["status"]?["zone"] == "eu-a")
            for _ in 0..<20 { #expect(try await gateway.get("/").status == 200) }
            #expect(near.requests == 20 && far.requests == 0)
            // It takes no new connections; those that it has would still serve.
            try await near.stop()
            try await until("requests go elsewhere") {
                _ = try await gateway.get("/")
                return far.requests > 0
            }
            let before = near.requests
            for _ in 0..<5 { #expect(try await gateway.get("/").status == 200) }
            #expect(near.requests == before && far.requests >= 6)
            try await far.stop()
        }
    }
}
