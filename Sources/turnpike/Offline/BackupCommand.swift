// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TurnpikeModel
import TurnpikeSQLite

/// `turnpike backup --data DIR FILE`
struct BackupCommand: ParsableCommand, OutputChoosing {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Write a consistent copy of the database to a file, while the control plane runs or not.",
        discussion:
            "The file holds digests of credentials, and may be read by its owner alone: keep it as you keep those."
    )

    @Option(help: "The control plane's data folder.")
    var data = "./turnpike-data"

    @Argument(help: "The file to write; it must not exist.")
    var file: String

    @OptionGroup var output: OutputOptions

    func run() throws {
        do {
            if output.output == .table { Terminal.standardError.write("Copying the database of '\(data)' …\n") }
            let revision = try Backup.take(of: data, to: file)
            switch output.output {
            case .json:
                let document: JSON = ["file": .string(file), "revision": .integer(revision)]
                Terminal.standardOutput.write(document.prettyText)
            case .table:
                Terminal.standardOutput.write("'\(file)' holds everything up to revision \(revision).\n")
            }
        } catch { throw CommandFailure.failed(error.description) }
    }
}
