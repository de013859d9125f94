// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Testing
import TurnpikeModel

@testable import turnpike

@Suite struct FailureTests {
    private let problem = Problem(
        status: 422,
        body: [
            "type": "https://turnpike.dev/problems/invalid-resource", "title": "The resource is not valid",
            "status": 422, "errors": [["pointer": "/limit", "rule": "required", "detail": "'limit' is required."]],
        ])

    @Test func `in JSON a refusal is the control plane's problem, with the place in the files beside the pointer`() {
        #expect(CommandFailure.refused(problem).json["errors"]?[0]?["rule"] == "required")
        var located = problem
        located.faults[0].place = "q.yaml, quota acme/monthly: /limit"
        let json = CommandFailure.refused(located).json
        #expect(json["type"] == "https://turnpike.dev/problems/invalid-resource" && json["status"] == 422)
        #expect(json["errors"]?[0]?["place"] == "q.yaml, quota acme/monthly: /limit")
        #expect(json["errors"]?[0]?["pointer"] == "/limit")
        #expect(CommandFailure.refused(Problem(status: 502, body: nil)).json["status"] == 502)
    }

    @Test(arguments: [
        CommandFailure.failed("It broke."), .misused("It broke."), .waitTimedOut("It broke."),
        .unreachable(server: "http://x", reason: "It broke."),
    ])
    func `in JSON every other failure is a problem too`(failure: CommandFailure) {
        let json = failure.json
        #expect(json["type"] == "about:blank" && json["title"]?.string?.isEmpty == false)
        #expect(json["detail"]?.string?.contains("It broke.") == true)
    }

    @Test(arguments: [
        (["delete", "tenant", "acme", "-o", "json"], OutputOptions.Form.json), (["audit", "-o", "json"], .json),
        (["keys", "create", "k", "-t", "acme"], .table),
    ])
    func `a command's failure takes the form of its answer`(arguments: [String], form: OutputOptions.Form) throws {
        let command = try Turnpike.parseAsRoot(arguments)
        #expect((command as? any OutputChoosing)?.output.output == form)
    }

    @Test(arguments: [
        ["apply", "-f", "x", "--wait", "--dry-run"], ["delete", "tenant", "x", "--wait", "--dry-run"],
        ["revert", "3", "--wait", "--dry-run"],
    ])
    func `nobody can wait for a dry run`(arguments: [String]) {
        #expect(throws: (any Error).self) { try Turnpike.parseAsRoot(arguments) }
    }

    @Test func `what workers cannot do is told with every outcome`() throws {
        let outcome = try ApplyOutcome([
            "revision": 7, "changes": [["kind": "route", "tenant": "acme", "name": "r", "effect": "created"]],
            "warnings": [["worker": "gw-1", "detail": "The worker 'gw-1' cannot do 'x'."]],
        ])
        for text in [
            outcome.text(listing: false, isDryRun: false), outcome.difference(styled: false),
            outcome.text(listing: true, isDryRun: true),
        ] {
            #expect(text.hasSuffix("Warning: The worker 'gw-1' cannot do 'x'.\n"))
        }
    }
}
