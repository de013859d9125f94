// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOHTTP1
import Testing
import TurnpikeModel
import TurnpikeTestSupport

/// The command line client and the offline commands, against real programs.
@Suite(.serialized) struct OperationsTests {
    /// Runs `turnpike` to its end; returns what it printed, both streams.
    private func turnpike(
        _ arguments: String..., on plane: ControlPlaneProcess, _ stage: Stage, status: Int32 = 0
    ) async throws -> String {
        let child = try stage.start(
            "turnpike \(arguments.first ?? "")", "\(Stage.programs)/turnpike", arguments,
            environment: ["TURNPIKE_SERVER": plane.url, "TURNPIKE_TOKEN": plane.token])
        #expect(try await child.ended() == status, "\(arguments): \(child.output)")
        return child.output
    }

    private let bundle = """
        resources:
          - {kind: tenant, name: acme}
          - {kind: service, tenant: acme, name: orders, spec: {endpoints: [{host: 127.0.0.1, port: 9001}]}}
          - kind: route
            tenant: acme
            name: orders
            spec: {match: {hosts: [api.acme.test], paths: [{prefix: /v1}]}, backends: [{service: orders}]}
        """

    @Test func `diff, apply, export, explain, revert and audit work together`() async throws {
        try await Stage.with { stage in
            let plane = try await ControlPlaneProcess.start(on: stage)
            let file = stage.folder + "/bundle.yaml"
            try bundle.write(toFile: file, atomically: true, encoding: .utf8)
            let before = try await turnpike("diff", "-f", file, "--exit-code", on: plane, stage, status: 5)
            #expect(before.contains("+ route acme/orders"))
            _ = try await turnpike("apply", "-f", file, on: plane, stage)
            #expect(try await turnpike("diff", "-f", file, "--exit-code", on: plane, stage) == "No differences.\n")

            try bundle.replacing("9001", with: "9002").write(toFile: file, atomically: true, encoding: .utf8)
            let change = try await turnpike("diff", "-f", file, on: plane, stage)
            #expect(change.contains("- /endpoints/0/port: 9001") && change.contains("+ /endpoints/0/port: 9002"))
            _ = try await turnpike("apply", "-f", file, on: plane, stage)
            let export = try await turnpike("export", on: plane, stage)
            let copy = stage.folder + "/export.json"
            try export.write(toFile: copy, atomically: true, encoding: .utf8)
            #expect(try await turnpike("diff", "-f", copy, on: plane, stage) == "No differences.\n")

            let explained = try await turnpike("explain", "https://api.acme.test/v1/x", on: plane, stage)
            #expect(explained.contains("It is forwarded") && explained.contains("acme/orders"))
            _ = try await turnpike("revert", "3", on: plane, stage)
            #expect(try await turnpike("get", "services", "-t", "acme", on: plane, stage).contains("port=9001"))
            #expect(try await turnpike("revert", "3", on: plane, stage, status: 1).contains("has changed since"))

            let audit = try await turnpike("audit", "--kind", "service", on: plane, stage)
            #expect(audit.contains("updated service acme/orders") && audit.contains("operator:bootstrap"))
            let verified = try await turnpike("audit", "verify", on: plane, stage)
            #expect(verified.contains("The chain holds: 4 entries"))
            #expect(try await turnpike("changes", "--since", "3", on: plane, stage).hasPrefix("4  "))
            let viewer = try await turnpike(
                "operators", "create", "v", "--role", "viewer", "-o", "json", on: plane, stage)
            #expect(viewer.contains("tp_op_"))
            #expect(try await plane.process.terminate() == 0)
        }
    }

    @Test func `a backup taken under way is restored, and a worker follows the restored log`() async throws {
        try await Stage.with { stage in
            let origin = try await Origin.start()
            let plane = try await ControlPlaneProcess.start(on: stage)
            let gateway = try await GatewayProcess.start(joining: plane, on: stage)
            let key = try await plane.serveOrders(from: origin)
            try await gateway.serve(20, key: key)
            let copy = stage.folder + "/backup"
            let data = stage.folder + "/data"
            let taken = try await turnpike("backup", "--data", data, copy, on: plane, stage)
            #expect(taken.contains("holds everything up to revision"))
            // Written after the backup, and applied by the worker: lost by the restore.
            try await plane.call(.DELETE, "/v1/tenants/acme/api-keys/partner-1?wait=applied&timeout=30s")
            #expect(try await gateway.get("/v1/orders/7", key: key).status == 401)
            try await plane.killHard()

            try FileManager.default.moveItem(atPath: data, toPath: stage.folder + "/lost")
            _ = try await turnpike("restore", "--data", data, copy, on: plane, stage)
            #expect(try await turnpike("check", data, on: plane, stage).contains("good  log"))
            try await plane.restart()
            try await plane.call(.POST, "/v1/tenants?wait=applied&timeout=30s", ["name": "umbra"])
            // What the backup holds is enforced again, though the worker had seen a later state.
            #expect(try await gateway.get("/v1/orders/7", key: key).status == 200)
            try await until("the usage has arrived") { try await plane.usage()["2xx", default: 0] >= 21 }
            #expect(try await gateway.process.terminate() == 0)
            #expect(try await plane.usage()["2xx"] == 21)
            try await origin.stop()
        }
    }

    @Test func `a data folder that was tampered with is told`() async throws {
        try await Stage.with { stage in
            let plane = try await ControlPlaneProcess.start(on: stage)
            try await plane.call(.POST, "/v1/tenants", ["name": "acme"])
            #expect(try await plane.process.terminate() == 0)
            let file = stage.folder + "/data/turnpike.sqlite"
            var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
            let actor = Data("operator:bootstrap".utf8)
            let place = try #require(bytes.range(of: actor))
            bytes.replaceSubrange(place, with: Data("operator:bootstraq".utf8))
            try bytes.write(to: URL(fileURLWithPath: file))
            let output = try await turnpike("check", stage.folder + "/data", on: plane, stage, status: 1)
            #expect(output.contains("BAD   log: revision"))
        }
    }
}
