// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOHTTP1
import Testing
import TurnpikeModel
import TurnpikeTestSupport

@testable import turnpike

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
            #expect(dry.contains("still there") && dry.contains("It concerns no worker."))
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

    @Test func `what has a secret is made once by one idempotency key, and can be tried and waited for`() async throws {
        try await Stage.with { stage in
            let plane = try await ControlPlaneProcess.start(on: stage)
            try await plane.call(.POST, "/v1/tenants", ["name": "acme"])
            let dry = try await turnpike("keys", "create", "k", "-t", "acme", "--dry-run", on: plane, stage)
            #expect(dry.contains("dry run") && !dry.contains("tp_live_"))
            let create = ["keys", "create", "k", "-t", "acme", "--idempotency-key", "once", "-o", "json"]
            func created(_ more: String...) async throws -> JSON {
                let child = try stage.start(
                    "keys", "\(Stage.programs)/turnpike", create + more,
                    environment: ["TURNPIKE_SERVER": plane.url, "TURNPIKE_TOKEN": plane.token])
                #expect(try await child.ended() == 0, "\(child.output)")
                return try JSON.parse(child.output)
            }
            let first = try await created()
            let again = try await created("--wait")
            #expect(first["key"]?.string?.hasPrefix("tp_live_") == true && again["key"] == first["key"])
            #expect(again["rollout"]?["state"] == "complete")
            let taken = try await turnpike(
                "keys", "create", "k", "-t", "acme", "-o", "json", on: plane, stage, status: 1)
            #expect(try JSON.parse(taken)["status"] == 409)
            _ = try await turnpike(
                "keys", "create", "l", "-t", "acme", "--idempotency-key", "a key", on: plane, stage, status: 2)
        }
    }

    @Test func `a feed is followed beyond the control plane's restart, and no change comes twice`() async throws {
        try await Stage.with { stage in
            let plane = try await ControlPlaneProcess.start(on: stage)
            let follower = try stage.start(
                "changes", "\(Stage.programs)/turnpike", ["changes", "--watch", "-o", "json"],
                environment: ["TURNPIKE_SERVER": plane.url, "TURNPIKE_TOKEN": plane.token])
            try await plane.call(.POST, "/v1/tenants", ["name": "acme"])
            try await until("the first change comes") { follower.output.contains("acme") }
            try await plane.killHard()
            try await plane.restart()
            try await plane.call(.POST, "/v1/tenants", ["name": "umbra"])
            try await until("the second change comes") { follower.output.contains("umbra") }
            let told = follower.output.split(separator: "\n").filter { $0.contains("acme") && $0.contains("after") }
            #expect(told.count == 1)
        }
    }

    @Test func `pauses before a feed is asked for again grow to half a minute, and are short once it came`() {
        var random = SeededGenerator(seed: 3)
        var pause = ReconnectPause()
        var most = Duration.milliseconds(500)
        for _ in 0..<12 {
            let taken = pause.take(using: &random)
            #expect(taken <= most && taken >= most / 2)
            most = min(most * 2, .seconds(30))
        }
        pause.reset()
        #expect(pause.take(using: &random) <= .milliseconds(500))
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
