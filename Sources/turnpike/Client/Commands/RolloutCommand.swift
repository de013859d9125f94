// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TurnpikeModel

/// `turnpike rollout REVISION`
struct RolloutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollout",
        abstract: "Show which workers have applied a revision, which not yet, and which refuse it."
    )

    @Argument(help: "The revision, as writes answer it.")
    var revision: Revision

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let rollout = try await Rollout(of: revision, from: try connection.connect())
        output.print(rollout.document) { rollout.table }
    }
}
