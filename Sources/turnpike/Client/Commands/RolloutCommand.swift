// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TurnpikeModel

/// `turnpike rollout REVISION`
struct RolloutCommand: AsyncParsableCommand, OutputChoosing {
    static let configuration = CommandConfiguration(
        commandName: "rollout",
        abstract: "Show which workers have applied a revision, which not yet, and which refuse it."
    )

    @Argument(help: "The revision, as writes answer it.")
    var revision: Revision

    @Flag(help: "Wait until no worker is pending; then fail where one refuses the revision.")
    var wait = false

    @Option(help: "How long to wait at most.")
    var timeout = DurationArgument(.seconds(30))

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let api = try connection.connect()
        let rollout =
            wait
            ? try await Rollout.awaited(revision, from: api, timeout: timeout.duration)
            : try await Rollout(of: revision, from: api)
        output.print(rollout.document) { rollout.table }
        if wait { try rollout.requireComplete(within: timeout.duration) }
    }
}
