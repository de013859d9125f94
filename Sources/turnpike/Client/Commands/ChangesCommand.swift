// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TurnpikeModel

/// `turnpike changes`
struct ChangesCommand: AsyncParsableCommand, OutputChoosing {
    static let configuration = CommandConfiguration(
        commandName: "changes",
        abstract: "Print the log from a revision on, one revision a line, and with --watch whatever comes.",
        discussion:
            """
            With -o json each line is the entry as the API gives it. To go on later, begin after the last revision. With \
            --watch a connection that breaks is made again, and the log goes on where it was; what the control plane \
            refuses ends the command.
            """
    )

    @OptionGroup var scope: AuditCommand.Scope

    @Flag(name: .shortAndLong, help: "Go on with what is written from now on, until interrupted.")
    var watch = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let api = try connection.connect()
        guard watch else {
            return try await api.lines(Target("changes", query: scope.query)) { entry throws(CommandFailure) in
                print(entry)
            }
        }
        let isForPeople = output.output == .table
        let following = ChangeFollowing(api: api, scope: scope) { failure in
            guard isForPeople else { return }
            let reason = failure?.message(styled: false) ?? "The control plane ended the log.\n"
            Terminal.standardError.write("\(reason)Trying again …\n")
        }
        try await following.run(print)
    }

    private func print(_ entry: JSON) {
        Terminal.standardOutput.write((output.output == .json ? entry.text : ChangesCommand.line(of: entry)) + "\n")
    }

    private static func line(of entry: JSON) -> String {
        let changes = (entry["changes"]?.array ?? []).map { change in
            let tenant = change["tenant"]?.string.map { "\($0)/" } ?? ""
            let what = "\(change["kind"]?.string ?? "") \(tenant)\(change["name"]?.string ?? "")"
            return "\(change["effect"]?.string ?? "") \(what)"
        }
        let reason = entry["reason"]?.string ?? ""
        return "\(entry["revision"]?.integer ?? 0)  \(entry["at"]?.string ?? "")  \(entry["actor"]?.string ?? "")  "
            + changes.joined(separator: ", ") + (reason.isEmpty ? "" : "  (\(reason))")
    }
}
