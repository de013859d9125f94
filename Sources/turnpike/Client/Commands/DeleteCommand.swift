// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NIOHTTP1
import TurnpikeModel

/// `turnpike delete KIND NAME`
struct DeleteCommand: AsyncParsableCommand, OutputChoosing {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete a resource that no other refers to."
    )

    @Argument(help: "The kind, singular or plural.")
    var kind: Kind

    @Argument(help: "The resource's name or id.")
    var name: String

    @Option(name: .shortAndLong, help: "The tenant to which the resource belongs.")
    var tenant: String?

    @OptionGroup var write: WriteOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let api = try connection.connect()
        let target = try Target(kind, tenant: tenant, name: name, query: write.query)
        let answer = try await api.send(.DELETE, target, reason: write.why.reason, idempotencyKey: write.repeatKey)
        guard let revision = answer.revision else { throw CommandFailure.failed("The answer holds no revision.") }
        let rollout = write.wait ? try await Rollout.awaited(revision, from: api, timeout: write.timeout.duration) : nil
        let terminal = Terminal.standardOutput
        switch output.output {
        case .json: terminal.write(document(revision, answer.body, rollout).prettyText)
        case .table where write.dryRun:
            terminal.write("\(key) can be deleted; this was a dry run, and it is still there.\n")
            terminal.write(Concern(in: answer.body).text)
        case .table: terminal.write("deleted \(key)\n")
        }
        if output.output == .table { terminal.write(Warnings(in: answer.body).text(styled: terminal.isStyled)) }
        try rollout?.requireComplete(within: write.timeout.duration)
    }

    private var key: ResourceKey { ResourceKey(kind, tenant: tenant, name: name) }

    /// - Parameter answer: what the control plane told beyond the revision; null where that is nothing.
    private func document(_ revision: Revision, _ answer: JSON, _ rollout: Rollout?) -> JSON {
        .object(
            JSONObject([
                "kind": .string(kind.rawValue), "tenant": tenant.map { .string($0) }, "name": .string(name),
                "effect": "deleted", "dryRun": write.dryRun ? true : nil, "revision": .integer(revision),
                "workers": answer["workers"], "warnings": answer["warnings"], "rollout": rollout?.document,
            ]))
    }
}
