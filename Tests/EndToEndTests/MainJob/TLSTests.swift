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

    private func serve(
        _ stage: Stage, _ options: [String] = ["--tls-certificate", "tls.pem", "--tls-key", "tls.key"], port: Int = 0
    ) throws -> ChildProcess {
        try stage.start(
            "control plane", "\(Stage.programs)/turnpike",
            ["serve", "--listen", "127.0.0.1:\(port)", "--data", "\(stage.folder)/data"] + options,
            environment: ["TURNPIKE_BOOTSTRAP_TOKEN": token])
    }

    private func join(
        _ name: String, at address: String, ca: String, _ stage: Stage, _ options: [String] = []
    ) async throws -> ChildProcess {
        let joinToken =
            try await turnpike("join-token", "create", at: address, ca: ca, stage)
            .split(separator: "\n").first { $0.hasPrefix("tp_join_") }.map(String.init) ?? ""
        return try gateway(name, at: address, ca: ca, stage, ["--join-token", joinToken] + options)
    }

    private func gateway(
        _ name: String, at address: String, ca: String, _ stage: Stage, _ options: [String] = []
    ) throws -> ChildProcess {
        try stage.start(
            name, "\(Stage.programs)/turnpike-worker",
            [
                "gateway", "--control-plane", address, "--ca", ca, "--listen", "127.0.0.1:0", "--admin-listen",
                "127.0.0.1:0", "--state", "\(stage.folder)/\(name)", "--name", name,
            ] + options)
    }

    private func becomesReady(_ gateway: ChildProcess) async throws {
        let line = try await gateway.match("where it listens", /Turnpike gateway: [^,\s]+, admin (http:\/\/[^,\s]+)/)
        try await until("the gateway is ready") {
            try await Exchange.send(.GET, String(line.1) + "/readyz").status == 200
        }
    }

    private func url(of plane: ChildProcess) async throws -> String {
        String(try await plane.match("that it is ready", /Turnpike control plane: (https:\/\/[^,\s]+), data in/).1)
    }

    @Test func `a stop does not wait until clients' connections have been silent for long enough`() async throws {
        try await Stage.with { stage in
            let plane = try serve(stage, ["--tls", "builtin"])
            let address = try await url(of: plane)
            let gateway = try await join("g", at: address, ca: "data/ca/certificate.pem", stage)
            try await becomesReady(gateway)
            plane.signal(SIGTERM)
            // TLS itself waits 5 s for the client's farewell.
            #expect(try await plane.ended(within: .seconds(4)) == 0)
        }
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
            let gateway = try await join("gateway", at: address, ca: "ca.pem", stage)
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

    @Test func `the built-in CA serves clients, and gives workers the certificates that they must show`() async throws {
        try await Stage.with { stage in
            let required = ["--tls", "builtin", "--tls-workers", "certificate"]
            var plane = try serve(stage, ["--tls", "builtin"])
            let address = try await url(of: plane)
            let ca = "data/ca/certificate.pem"
            #expect(try await turnpike("get", "tenants", at: address, ca: ca, stage).contains("Nothing there"))
            let stranger = try await turnpike("get", "tenants", at: address, ca: nil, stage, status: 3)
            #expect(stranger.contains("comes from nobody that is trusted"))
            let early = try await join("early", at: address, ca: ca, stage)
            try await becomesReady(early)

            // From now on certificates are asked for: the worker that is there has one, and one that joins gets one.
            #expect(try await plane.terminate() == 0)
            plane = try serve(stage, required, port: Int(address.split(separator: ":").last ?? "") ?? 0)
            _ = try await url(of: plane)
            let late = try await join("late", at: address, ca: ca, stage)
            try await becomesReady(late)
            try await until("both workers are connected") {
                try await turnpike("get", "workers", "-o", "json", at: address, ca: ca, stage)
                    .matches(of: /"connected": true/).count == 2
            }

            // Whoever has stolen the credential, but not the key, gets nothing.
            #expect(try await late.terminate() == 0)
            let state = "\(stage.folder)/late"
            try FileManager.default.removeItem(atPath: state + "/key.pem")
            let thief = try gateway("late", at: address, ca: ca, stage)
            _ = try await thief.match("that it is refused", /beside their credential|not this worker's|TLS/)
            #expect(try await thief.terminate() == 0)
            #expect(try await early.terminate() == 0)
            #expect(try await plane.terminate() == 0)
        }
    }

    @Test func `workers with certificates of one's own CA are let in, and others are not`() async throws {
        try await Stage.with { stage in
            try await makeCertificates(stage)
            try use("one", stage)
            let plane = try serve(
                stage,
                [
                    "--tls-certificate", "tls.pem", "--tls-key", "tls.key", "--tls-workers", "certificate",
                    "--tls-worker-ca", "ca.pem",
                ])
            let address = try await url(of: plane)
            let known = try await join(
                "known", at: address, ca: "ca.pem", stage, ["--tls-certificate", "two.pem", "--tls-key", "two.key"])
            try await becomesReady(known)
            let unknown = try await join("unknown", at: address, ca: "ca.pem", stage)
            #expect(try await unknown.ended() == 1)
            #expect(unknown.output.contains("Workers show a certificate here"))
            #expect(try await known.terminate() == 0)
            #expect(try await plane.terminate() == 0)
        }
    }

    @Test func `SIGHUP ends no control plane, and has one without TLS read its sealing keys anew`() async throws {
        try await Stage.with { stage in
            let plane = try serve(stage, [])
            _ = try await plane.match("that it is ready", /Turnpike control plane: http:/)
            plane.signal(SIGHUP)
            _ = try await plane.match("that it took the signal", /sealing keys are read anew/)
            #expect(try await plane.terminate() == 0)
        }
    }

    @Test(arguments: [
        (["--tls", "magic"], "must be one of off, files, builtin"),
        (["--tls", "files", "--tls-key", "tls.key"], "go together"),
        (["--tls", "builtin", "--tls-key", "tls.key"], "of no use"),
        (["--tls-workers", "certificate"], "needs TLS"),
        (["--tls-names", "cp.example"], "with tls.mode builtin only"),
        (["--tls", "builtin", "--tls-workers", "passport"], "must be credential or certificate"),
    ])
    func `settings that say nothing sensible are refused`(_ options: [String], _ words: String) async throws {
        try await Stage.with { stage in
            let plane = try serve(stage, options)
            #expect(try await plane.ended() == 2)
            #expect(plane.output.contains(words))
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
