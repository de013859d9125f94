// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TurnpikeModel
import TurnpikeTelemetry

/// The control plane and its command line client.
@main
struct Turnpike: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "turnpike",
        abstract: "Control plane for API gateways, and the client of its REST API.",
        discussion: """
            'turnpike serve' runs the control plane; the other commands talk to one, over its REST API, as TURNPIKE_SERVER \
            and TURNPIKE_TOKEN say.

            Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 control plane not reachable, 4 the wait timed out, 5 'diff \
            --exit-code' found differences. Failures are told on standard error, with -o json as a problem (RFC 9457).
            """,
        version: Version.current,
        subcommands: [
            ServeCommand.self, GetCommand.self, ApplyCommand.self, DiffCommand.self, ExportCommand.self,
            DeleteCommand.self, RevertCommand.self, ExplainCommand.self, KeysCommand.self, UsageCommand.self,
            QuotaStateCommand.self, WorkersCommand.self, RolloutCommand.self, ChangesCommand.self, AuditCommand.self,
            OperatorsCommand.self,
            JoinTokenCommand.self, BackupCommand.self, RestoreCommand.self, CheckCommand.self, SealingKeyCommand.self,
            CompletionCommand.self,
        ]
    )

    static func main() async {
        Allocator.configure()
        var form = OutputOptions.Form.table
        do {
            var command = try await parse()
            form = (command as? any OutputChoosing)?.output.output ?? .table
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            end(with: error, form)
        }
    }

    private static func parse() async throws -> any ParsableCommand { try await asyncParseAsRoot(nil) }

    /// Says what went wrong, where something did, and ends the process with the status that goes with it.
    private static func end(with error: any Error, _ form: OutputOptions.Form) -> Never {
        if let failure = error as? CommandFailure {
            let terminal = Terminal.standardError
            switch form {
            case .table: terminal.write(failure.message(styled: terminal.isStyled))
            case .json: terminal.write(failure.json.prettyText)
            }
            exit(withError: ExitCode(failure.exitStatus))
        }
        switch exitCode(for: error) {
        case .success: exit(withError: error)
        case .validationFailure:
            Terminal.standardError.write(fullMessage(for: error) + "\n")
            exit(withError: ExitCode(2))
        case let code:
            if !(error is ExitCode) { Terminal.standardError.write("Error: \(error)\n") }
            exit(withError: code)
        }
    }
}

/// What this build calls itself.
enum Version {
    static let current = "0.1.0"
}
