// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOHTTP1
import Testing
import TurnpikeTestSupport

/// The control plane over TLS, as its command line client and a gateway see it.
@Suite(.serialized) struct TLSTests {
    private let token = "bootstrap-token-of-the-tests"

    /// A CA, and certificates of it for this machine: `ca.pem`, `one.pem` and `one.key`, `two.pem` and `two.key`.
    private func makeCertificates(_ stage: Stage) async throws {
        let script = """
            set -e
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test-ca -keyout ca.key -out ca.pem
            for name in one two; do
                openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$name -keyout $name.key -out $name.csr
                printf 'subjectAltName=IP:127.0.0.1,DNS:localhost' > $name.ext
                openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 -extfile $name.ext -out $name.pem
            done
            """
        let child = try stage.start("openssl", "/bin/bash", ["-c", script])
        #expect(try await child.ended() == 0, "\(child.output)")
    }

    private func use(_ name: String, key: String? = nil, _ stage: Stage) throws {
        for (source, target) in [("\(name).pem", "tls.pem"), ("\(key ?? name).key", "tls.key")] {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(stage.folder)/\(source)"))
            try bytes.write(to: URL(fileURLWithPath: "\(stage.folder)/\(target)"))
        }
    }

    private func serve(_ stage: Stage) throws -> ChildProcess {
        try stage.start(
            "control plane", "\(Stage.programs)/turnpike",
            [
                "serve", "--listen", "127.0.0.1:0", "--data", "\(stage.folder)/data", "--tls-certificate", "tls.pem",
                "--tls-key", "tls.key",
            ], environment: ["TURNPIKE_BOOTSTRAP_TOKEN": token])
    }

    private func url(of plane: ChildProcess) async throws -> String {
        String(try await plane.match("that it is ready", /Turnpike control plane: (https:\/\/[^,\s]+), data in/).1)
    }

    private func turnpike(
        _ arguments: String..., at url: String, ca: String? = "ca.pem", _ stage: Stage, status: Int32 = 0
    ) async throws -> String {
        var environment = ["TURNPIKE_SERVER": url, "TURNPIKE_TOKEN": token]
        environment["TURNPIKE_CA"] = ca.map { "\(stage.folder)/\($0)" }
        let child = try stage.start(
            "turnpike \(arguments.first ?? "")", "\(Stage.programs)/turnpike", arguments, environment: environment)
        #expect(try await child.ended() == status, "\(arguments): \(child.output)")
        return child.output
    }

    @Test func `client and gateway work over TLS, and go on when the certificate changes`() async throws {
        try await Stage.with { stage in
            try await makeCertificates(stage)
            try use("one", stage)
            let plane = try serve(stage)
            let address = try await url(of: plane)
            #expect(try await turnpike("get", "tenants", at: address, stage).contains("Nothing there"))

            let joinToken =
                try await turnpike("join-token", "create", at: address, stage)
                .split(separator: "\n").first { $0.hasPrefix("tp_join_") }.map(String.init) ?? ""
            let gateway = try stage.start(
                "gateway", "\(Stage.programs)/turnpike-worker",
                [
                    "gateway", "--control-plane", address, "--ca", "ca.pem", "--listen", "127.0.0.1:0",
                    "--admin-listen",
                    "127.0.0.1:0", "--state", "\(stage.folder)/gateway", "--join-token", joinToken,
                ])
            let line = try await gateway.match(
                "where it listens", /Turnpike gateway: (http:\/\/[^,\s]+), admin (http:\/\/[^,\s]+)/)
            let (gatewayURL, adminURL) = (String(line.1), String(line.2))
            try await until("the gateway is ready") {
                try await Exchange.send(.GET, adminURL + "/readyz").status == 200
            }

            let origin = try await Origin.start()
            let bundle = """
                resources:
                  - {kind: tenant, name: acme}
                  - {kind: service, tenant: acme, name: orders, spec: {endpoints: [{host: 127.0.0.1, port: \(origin.port)}]}}
                  - kind: route
                    tenant: acme
                    name: orders
                    spec: {match: {hosts: [api.acme.test], paths: [{prefix: /v1}]}, backends: [{service: orders}]}
                """
            let file = stage.folder + "/bundle.yaml"
            try bundle.write(toFile: file, atomically: true, encoding: .utf8)
            #expect(
                try await turnpike("apply", "-f", file, "--wait", at: address, stage).contains("Applied by 1 worker"))
            #expect(
                try await Exchange.send(.GET, gatewayURL + "/v1/x", headers: [("Host", "api.acme.test")]).status == 200)

            // Another certificate, without a restart; then one whose key is not its own, which changes nothing.
            try use("two", stage)
            plane.signal(SIGHUP)
            _ = try await plane.match("that it has the new one", /The TLS certificate is read anew/)
            #expect(try await turnpike("get", "routes", "-t", "acme", at: address, stage).contains("orders"))
            try use("one", key: "two", stage)
            plane.signal(SIGHUP)
            _ = try await plane.match("that the former one stays", /cannot be read anew; the former one stays/)
            try bundle.replacing("/v1", with: "/v2").write(toFile: file, atomically: true, encoding: .utf8)
            #expect(
                try await turnpike("apply", "-f", file, "--wait", at: address, stage).contains("Applied by 1 worker"))
            #expect(
                try await Exchange.send(.GET, gatewayURL + "/v2/x", headers: [("Host", "api.acme.test")]).status == 200)

            try await until("the usage has arrived") {
                try await turnpike(
                    "usage", "--tenant", "acme", "--group-by", "statusClass", "-o", "json", at: address, stage
                )
                .contains(#""requests": 2"#)
            }
            #expect(try await gateway.terminate() == 0)
            #expect(try await plane.terminate() == 0)
            try await origin.stop()
        }
    }

    @Test func `who trusts somebody else, or speaks plain HTTP, is told so`() async throws {
        try await Stage.with { stage in
            try await makeCertificates(stage)
            try use("one", stage)
            let plane = try serve(stage)
            let address = try await url(of: plane)
            let stranger = try await turnpike("get", "tenants", at: address, ca: nil, stage, status: 3)
            #expect(stranger.contains("comes from nobody that is trusted"))
            let plain = try await turnpike(
                "get", "tenants", at: address.replacing("https", with: "http"), stage, status: 3)
            #expect(plain.contains("does it expect https?"))
            // All of it at once, not when some time is over.
            let start = ContinuousClock.now
            let nobody = try await turnpike("get", "tenants", at: "http://127.0.0.1:1", stage, status: 3)
            #expect(nobody.contains("nobody listens there") && ContinuousClock.now - start < .seconds(10))
            let noCA = try await turnpike("get", "tenants", at: address, ca: "one.key", stage, status: 2)
            #expect(noCA.contains("holds no certificate in PEM"))
            #expect(try await turnpike("get", "tenants", at: address, stage).contains("Nothing there"))
            #expect(try await plane.terminate() == 0)
        }
    }

    @Test func `a key that is not the certificate's keeps the control plane from starting`() async throws {
        try await Stage.with { stage in
            try await makeCertificates(stage)
            try use("one", key: "two", stage)
            let plane = try serve(stage)
            #expect(try await plane.ended() == 1)
            #expect(plane.output.contains("The TLS key does not belong to the certificate."))
        }
    }
}
