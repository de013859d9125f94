// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TurnpikeModel

/// A command whose answer, and failure, comes in the form that is asked for. By way of `ParsableCommand`, no conformance is
/// confined to an actor: to ask a command for it leaves the command free to run anywhere.
protocol OutputChoosing: ParsableCommand {
    var output: OutputOptions { get }
}

/// In which form a command's answer is printed.
struct OutputOptions: ParsableArguments {
    enum Form: String, ExpressibleByArgument, CaseIterable { case table, json }

    @Option(
        name: .shortAndLong,
        help:
            "How to print the answer: a table for people, or JSON as the API gave it, and problems too, on standard error."
    )
    var output: Form = .table

    /// Prints `json`, or where the form is a table what `table` makes of it.
    func print(_ json: JSON, table: () -> Table) {
        let terminal = Terminal.standardOutput
        switch output {
        case .json: terminal.write(json.prettyText)
        case .table: terminal.write(table().text(styled: terminal.isStyled))
        }
    }
}
