// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TurnpikeModel
import TurnpikeSQLite

/// `turnpike check DIR`
struct CheckCommand: ParsableCommand, OutputChoosing {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Look through a data folder: file, references, the log's chain, resources, ledger.",
        discussion: "It only reads, and a control plane may run on the folder. Exit status 1 where something is wrong."
    )

    @Argument(help: "The control plane's data folder.")
    var folder = "./turnpike-data"

    @OptionGroup var output: OutputOptions

    func run() throws {
        let inspection: Inspection
        do {
            inspection = try Inspection(of: folder) { finding in
                guard output.output == .table else { return }
                let verdict = finding.isGood ? "good" : "BAD "
                Terminal.standardOutput.write("\(verdict)  \(finding.subject): \(finding.detail)\n")
            }
        } catch { throw CommandFailure.failed(error.description) }
        if output.output == .json {
            let findings = inspection.findings.map { finding -> JSON in
                ["subject": .string(finding.subject), "good": .bool(finding.isGood), "detail": .string(finding.detail)]
            }
            let document: JSON = ["good": .bool(inspection.isGood), "findings": .array(findings)]
            Terminal.standardOutput.write(document.prettyText)
        }
        guard inspection.isGood else {
            throw CommandFailure.failed("The data folder is damaged. docs/operations.md says what can be done.")
        }
    }
}
