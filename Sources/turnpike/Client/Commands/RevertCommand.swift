// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NIOHTTP1
import TurnpikeModel

/// `turnpike revert REVISION`
struct RevertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revert",
        abstract: "Make everything that a revision changed what it was before, as one new revision or not at all."
    )

    @Argument(help: "The revision to take back.")
    var revision: Revision

    @Flag(help: "Show what would change, and change nothing.")
    var dryRun = false

    @Flag(help: "Wait until the workers have applied the change.")
    var wait = false

    @Option(help: "How long to wait at most.")
    var timeout = DurationArgument(.seconds(30))

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        if wait, dryRun { throw ValidationError("A dry run changes nothing that could be waited for.") }
    }

    func run() async throws {
        let api = try connection.connect()
        let query = dryRun ? [(name: "dryRun", value: "true")] : []
        let outcome = try ApplyOutcome(
            try await api.send(.POST, Target("revisions", "\(revision)", "revert", query: query)).body)
        let terminal = Terminal.standardOutput
        switch output.output {
        case .json: terminal.write(outcome.document.prettyText)
        case .table where dryRun: terminal.write(outcome.difference(styled: terminal.isStyled))
        case .table: terminal.write(outcome.text(listing: true, isDryRun: false))
        }
        guard wait else { return }
        try await Rollout.awaited(outcome.revision, from: api, timeout: timeout.duration)
            .requireComplete(within: timeout.duration)
    }
}
