// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOHTTP1
import Testing
import TurnpikeModel
import TurnpikeTestSupport

/// The debug token of a gateway, from its file to the answer's field.
@Suite(.serialized) struct GatewayDebugTests {
    @Test func `who shows the debug token is told what becomes of a request, and nothing of it is logged`() async throws
    {
        try await Stage.with { stage in
            let token = String(repeating: "0123456789abcdef", count: 2)
            let file = stage.folder + "/debug-token"
            try (token + "\n").write(toFile: file, atomically: true, encoding: .utf8)
            let log = stage.folder + "/access.log"
            let origin = try await Origin.start()
            let plane = try await ControlPlaneProcess.start(on: stage)
            let gateway = try await GatewayProcess.start(
                joining: plane, on: stage,
                options: ["--debug-token-file", file, "--access-log", log, "--trusted-proxies", "10.0.0.0/8,127.0.0.1"])
            let key = try await plane.serveOrders(from: origin)
            func report(_ token: String) async throws -> String? {
                let headers = [
                    ("Host", "api.acme.test"), ("X-Api-Key", key), ("Turnpike-Debug", token),
                    ("X-Forwarded-For", "1.1.1.1, 203.0.113.9, 10.0.0.7"),
                ]
                let exchange = try await Exchange.send(.GET, gateway.url + "/v1/orders/7", headers: headers)
                #expect(exchange.status == 200)
                return exchange.headers.first(name: "Turnpike-Debug")
            }
            let told = try #require(try await report(token))
            for part in [
                "route=acme/orders", "key=key_", "client=203.0.113.9", "decision=forwarded", "service=orders",
                "total-ms=",
            ] {
                #expect(told.contains(part), "\(told)")
            }
            #expect(try await report(token + "0") == nil)
            #expect(try await gateway.process.terminate() == 0)
            let lines = try String(contentsOfFile: log, encoding: .utf8)
            #expect(lines.split(separator: "\n").count == 2 && !lines.contains(token))
            #expect(!gateway.process.output.contains(token))
            try await origin.stop()
        }
    }

    @Test func `a token that is too short keeps the gateway from starting`() async throws {
        try await Stage.with { stage in
            let child = try stage.start(
                "gateway", "\(Stage.programs)/turnpike-worker", ["gateway", "--state", stage.folder + "/state"],
                environment: ["TURNPIKE_DEBUG_TOKEN": "short"])
            #expect(try await child.ended() != 0)
            #expect(child.output.contains("The debug token must have 16 to 256 characters"))
        }
    }
}
