// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOHTTP1
import Testing
import TurnpikeModel
import TurnpikeTestSupport

/// A gateway with TLS and HTTP/2, as curl sees it.
@Suite(.serialized) struct SecureGatewayTests {
    /// What curl prints of one request that trusts only the certificate of this name.
    private func curl(
        _ gateway: GatewayProcess, _ path: String, trusting file: String, _ stage: Stage, _ options: [String] = []
    ) async throws -> (status: Int32, output: String) {
        let port = try #require(gateway.secureURL?.split(separator: ":").last)
        let child = try stage.start(
            "curl", "/usr/bin/env",
            [
                "curl", "-sS", "--cacert", "\(stage.folder)/certificates/\(file).crt", "--resolve",
                "api.acme.test:\(port):127.0.0.1", "-w", " %{http_version} %{http_code}",
                "https://api.acme.test:\(port)\(path)",
            ] + options)
        let status = try await child.ended()
        return (status, child.output)
    }

    @Test func `partners come over TLS, with HTTP-2 or HTTP-1, and certificates change under way`() async throws {
        try await Stage.with { stage in
            let origin = try await Origin.start()
            let plane = try await ControlPlaneProcess.start(on: stage)
            try await plane.call(.POST, "/v1/tenants", ["name": "acme"])
            try await plane.call(
                .PUT, "/v1/tenants/acme/services/orders",
                ["endpoints": [["host": "127.0.0.1", "port": .integer(Int64(origin.port))]]])
            try await plane.call(
                .PUT, "/v1/tenants/acme/routes/orders",
                [
                    "match": ["hosts": ["api.acme.test"], "paths": [["prefix": "/v1/orders"]]],
                    "auth": ["anyOf": [["apiKey": [:]]]], "backends": [["service": "orders"]],
                ])
            let key = try await plane.call(.POST, "/v1/tenants/acme/api-keys", ["name": "partner"])["key"]?.string ?? ""
            try await stage.makeCertificate("api.acme.test", "acme")
            let gateway = try await GatewayProcess.start(
                joining: plane, on: stage,
                options: ["--secure-listen", "127.0.0.1:0", "--certificates", "\(stage.folder)/certificates"])

            let credential = ["-H", "X-Api-Key: \(key)"]
            let second = try await curl(gateway, "/v1/orders/2", trusting: "acme", stage, credential + ["--http2"])
            #expect(second.output == "/v1/orders/2 2 200")
            let first = try await curl(gateway, "/v1/orders/1", trusting: "acme", stage, credential + ["--http1.1"])
            #expect(first.output == "/v1/orders/1 1.1 200")
            let refused = try await curl(gateway, "/v1/orders/1", trusting: "acme", stage)
            #expect(refused.output.hasSuffix(" 2 401"))
            let posted = try await curl(
                gateway, "/v1/orders/3", trusting: "acme", stage,
                credential + ["--data-binary", String(repeating: "x", count: 100_000)])
            #expect(posted.output == "/v1/orders/3 2 200")

            // Another certificate for the same name takes the first one's place.
            try await stage.makeCertificate("api.acme.test", "acme")
            gateway.process.signal(SIGHUP)
            try await until("the new certificate is shown") {
                try await curl(gateway, "/v1/orders/4", trusting: "acme", stage, credential).status == 0
            }
            let usage = try await until("usage is there") { () -> Int64? in
                let report = try await plane.call(.GET, "/v1/tenants/acme/usage?groupBy=statusClass")
                let rows = report["data"]?.array ?? []
                let good = rows.first { $0["statusClass"]?.string == "2xx" }?["requests"]?.integer
                return good == 4 ? good : nil
            }
            #expect(usage == 4)
            try await origin.stop()
        }
    }
}
