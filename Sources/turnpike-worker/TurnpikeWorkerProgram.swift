// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TurnpikeTelemetry
import TurnpikeWorker

/// The data plane's program.
@main
struct TurnpikeWorkerProgram: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "turnpike-worker",
        abstract: "Data plane of Turnpike: serves requests as the control plane says.",
        discussion: "Exit status: 0 stopped as asked, 1 failed, 2 wrong usage.",
        version: workerVersion,
        subcommands: [GatewayCommand.self]
    )

    static func main() async {
        Allocator.configure()
        do {
            var command = try await asyncParseAsRoot(nil)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            end(with: error)
        }
    }

    /// Says what went wrong, where something did, and ends the process with the status that goes with it.
    private static func end(with error: any Error) -> Never {
        if let fault = error as? GatewaySettings.Fault {
            FileDescriptorOutput.standardError.write("Error: \(fault.reason)\n")
            exit(withError: ExitCode(2))
        }
        switch exitCode(for: error) {
        case .success: exit(withError: error)
        case .validationFailure:
            FileDescriptorOutput.standardError.write(fullMessage(for: error) + "\n")
            exit(withError: ExitCode(2))
        case let code:
            if !(error is ExitCode) { FileDescriptorOutput.standardError.write("Error: \(error)\n") }
            exit(withError: code)
        }
    }
}
