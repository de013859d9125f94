// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
import TurnpikeModel

/// The making of a resource that has a secret, which is shown this once: whatever fails after it was made, it is printed.
struct Creation {
    let kind: Kind
    var tenant: String?
    /// What is sent: only what was given, so that the control plane's defaults hold.
    let body: JSON

    func run(_ write: WriteOptions, _ output: OutputOptions, _ connection: ConnectionOptions) async throws {
        let api = try connection.connect()
        let target = try Target(kind, tenant: tenant, query: write.query)
        let answer = try await api.send(
            .POST, target, body: body, reason: write.why.reason, idempotencyKey: write.repeatKey)
        if write.dryRun {
            report(dryRun: answer.body, output)
        } else if write.wait {
            try await wait(for: answer, by: api, atMost: write.timeout.duration, output)
        } else {
            try output.printCredential(of: answer.body, kind: kind)
        }
    }

    private func report(dryRun document: JSON, _ output: OutputOptions) {
        let terminal = Terminal.standardOutput
        switch output.output {
        case .json: terminal.write(document.prettyText)
        case .table:
            let key = ResourceKey(kind, tenant: tenant, name: document["name"]?.string ?? "")
            terminal.write("\(key) can be made; this was a dry run, and it is not there.\n")
            terminal.write(Concern(in: document).text + Warnings(in: document).text(styled: terminal.isStyled))
        }
    }

    private func wait(
        for answer: APIClient.Answer, by api: APIClient, atMost timeout: Duration, _ output: OutputOptions
    ) async throws(CommandFailure) {
        // In JSON it comes in one piece with the rollout; where that fails, without.
        if output.output == .table { try output.printCredential(of: answer.body, kind: kind) }
        var document = answer.body.object ?? JSONObject()
        defer { if output.output == .json { Terminal.standardOutput.write(JSON.object(document).prettyText) } }
        guard let revision = answer.revision else { throw .failed("The answer holds no revision.") }
        let rollout = try await Rollout.awaited(revision, from: api, timeout: timeout)
        document["rollout"] = rollout.document
        try rollout.requireComplete(within: timeout)
    }
}
