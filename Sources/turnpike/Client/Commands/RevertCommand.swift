// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NIOHTTP1
import TurnpikeModel

/// `turnpike revert REVISION`
struct RevertCommand: AsyncParsableCommand, OutputChoosing {
    static let configuration = CommandConfiguration(
        commandName: "revert",
        abstract: "Make everything that a revision changed what it was before, as one new revision or not at all."
    )

    @Argument(help: "The revision to take back.")
    var revision: Revision

    @OptionGroup var write: WriteOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let api = try connection.connect()
        let target = Target("revisions", "\(revision)", "revert", query: write.query)
        let answer = try await api.send(
            .POST, target, reason: write.why.reason, idempotencyKey: write.repeatKey)
        let outcome = try ApplyOutcome(answer.body)
        let terminal = Terminal.standardOutput
        switch output.output {
        case .json: break
        case .table where write.dryRun: terminal.write(outcome.difference(styled: terminal.isStyled))
        case .table: terminal.write(outcome.text(listing: true, isDryRun: false))
        }
        try await outcome.conclude(write, output.output, by: api)
    }
}
