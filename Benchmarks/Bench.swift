// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// Starts the programs that lie beside it, in a temporary folder and on free ports, and measures them from outside.
@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "turnpike-bench",
        abstract: "Measure the control plane and the gateway on this machine.",
        discussion: """
            Needs turnpike and turnpike-worker in its own folder. Figures are printed on standard output, progress on \
            standard error. docs/benchmarks.md says what each figure means.
            """,
        subcommands: [
            PropagationCommand.self, FleetCommand.self, ScaleCommand.self, IsolationCommand.self,
            ThroughputCommand.self,
            ChaosCommand.self,
        ]
    )
}
