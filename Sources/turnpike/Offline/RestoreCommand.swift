// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TurnpikeControl
import TurnpikeModel
import TurnpikeSQLite

/// `turnpike restore --data DIR FILE`
struct RestoreCommand: ParsableCommand, OutputChoosing {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make a data folder of a backup, for 'turnpike serve' to start on.",
        discussion: """
            The folder must hold no database yet. Revisions go on far above the backup's last one, so that workers which \
            have seen later ones take everything anew.
            """
    )

    @Option(help: "The data folder to make.")
    var data = "./turnpike-data"

    @Argument(help: "The backup.")
    var file: String

    @OptionGroup var output: OutputOptions

    func run() throws {
        do {
            let revision = try Backup.restore(file, to: data, at: SystemWallClock().now)
            switch output.output {
            case .json:
                let document: JSON = ["data": .string(data), "revision": .integer(revision)]
                Terminal.standardOutput.write(document.prettyText)
            case .table:
                Terminal.standardOutput.write("'\(data)' is ready: it holds everything up to revision \(revision).\n")
            }
        } catch { throw CommandFailure.failed(error.description) }
    }
}
