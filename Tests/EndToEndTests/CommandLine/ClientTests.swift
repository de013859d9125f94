// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOHTTP1
import Testing
import TurnpikeModel
import TurnpikeTestSupport

/// The command line client against a control plane.
@Suite(.serialized) struct ClientTests {
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

    @Test func `every write takes a reason, which the audit shows`() async throws {
        try await Stage.with { stage in
            let plane = try await ControlPlaneProcess.start(on: stage)
            let file = stage.folder + "/bundle.yaml"
            try "{kind: tenant, name: acme}".write(toFile: file, atomically: true, encoding: .utf8)
            for arguments in [
                ["apply", "-f", file], ["keys", "create", "k", "-t", "acme"], ["operators", "create", "ops"],
                ["join-token", "create"], ["delete", "api-key", "k", "-t", "acme"], ["revert", "3"],
            ] {
                let reason = "Ticket 7: \(arguments[0]), für später"
                let child = try stage.start(
                    arguments[0], "\(Stage.programs)/turnpike", arguments + ["--reason", reason],
                    environment: ["TURNPIKE_SERVER": plane.url, "TURNPIKE_TOKEN": plane.token])
                // The key is gone already, so that taking its creation back is refused.
                #expect(try await child.ended() == (arguments[0] == "revert" ? 1 : 0), "\(child.output)")
                guard arguments[0] != "revert" else { continue }
                let newest = try await plane.call(.GET, "/v1/audit?limit=1")["data"]?[0]
                #expect(newest?["reason"]?.string == reason)
            }
            _ = try await turnpike("delete", "tenant", "acme", "--reason", "two\nlines", on: plane, stage, status: 2)
        }
    }

    @Test func `delete tells beforehand, waits, and answers in JSON`() async throws {
        try await Stage.with { stage in
            let plane = try await ControlPlaneProcess.start(on: stage)
            try await plane.call(.POST, "/v1/tenants", ["name": "acme"])
            let dry = try await turnpike("delete", "tenant", "acme", "--dry-run", on: plane, stage)
            #expect(dry.contains("still there"))
            try await plane.call(.GET, "/v1/tenants/acme")
            let text = try await turnpike("delete", "tenant", "acme", "--wait", "-o", "json", on: plane, stage)
            let answer = try JSON.parse(text)
            #expect(answer["effect"] == "deleted" && answer["revision"] == 3 && answer["dryRun"] == nil)
            #expect(answer["rollout"]?["state"] == "complete")
            let failed = try await turnpike("delete", "tenant", "acme", "-o", "json", on: plane, stage, status: 1)
            let problem = try JSON.parse(failed)
            #expect(problem["status"] == 404 && problem["requestId"] != nil)
        }
    }

    @Test func `keys end and open what is asked for, lists are filtered, quotas tell their state`() async throws {
        try await Stage.with { stage in
            let plane = try await ControlPlaneProcess.start(on: stage)
            let origin = try await Origin.start()
            _ = try await plane.serveOrders(from: origin)
            try await plane.call(.PUT, "/v1/tenants/acme/quotas/monthly", ["limit": 5, "period": "month"])
            _ = try await turnpike(
                "keys", "create", "narrow", "-t", "acme", "--expires-at", "2099-01-01T00:00:00Z", "--route", "orders",
                "--label", "tier=gold", on: plane, stage)
            let key = try await plane.call(.GET, "/v1/tenants/acme/api-keys/narrow")
            #expect(key["expiresAt"]?.string?.hasPrefix("2099-01-01") == true && key["routes"] == ["orders"])
            #expect(key["labels"] == ["tier": "gold"])

            let gold = try await turnpike(
                "get", "api-keys", "-t", "acme", "--label", "tier=gold", "-o", "json", on: plane, stage)
            #expect(try JSON.parse(gold)["data"]?.array?.count == 1)
            let enabled = try await turnpike(
                "get", "api-keys", "-t", "acme", "--field", "enabled=true", "-o", "json", on: plane, stage)
            #expect(try JSON.parse(enabled)["data"]?.array?.count == 2)
            _ = try await turnpike("get", "quotas", "-t", "acme", "--field", "limit=5", on: plane, stage, status: 2)

            let state = try await turnpike("quota-state", "monthly", "-t", "acme", on: plane, stage)
            #expect(state.contains(/LIMIT +COMMITTED +REMAINING/) && state.contains(/5 +0 +5/))
            let missing = try await turnpike(
                "quota-state", "monthly", "-t", "acme", "--key", "x", "-o", "json", on: plane, stage, status: 1)
            #expect(try JSON.parse(missing)["type"]?.string?.hasSuffix("invalid-parameter") == true)

            let rollout = try await turnpike("rollout", "5", "--wait", "--timeout", "5s", on: plane, stage)
            #expect(rollout.contains("Revision 5 is complete."))
            try await origin.stop()
        }
    }

    @Test func `a bundle in YAML goes through REST as through the command line`() async throws {
        try await Stage.with { stage in
            let plane = try await ControlPlaneProcess.start(on: stage)
            let yaml = stage.folder + "/bundle.yaml"
            try "{kind: tenant, name: acme}\n---\n{kind: tenant, name: umbra}"
                .write(toFile: yaml, atomically: true, encoding: .utf8)
            let curl = try stage.start(
                "curl", "/usr/bin/env",
                [
                    "curl", "-sS", "--fail-with-body", "-H", "Authorization: Bearer \(plane.token)", "-H",
                    "Content-Type: application/yaml", "--data-binary", "@\(yaml)", "\(plane.url)/v1/apply",
                ])
            #expect(try await curl.ended() == 0, "\(curl.output)")
            #expect(try await plane.call(.GET, "/v1/tenants")["data"]?.array?.count == 2)
        }
    }
}
