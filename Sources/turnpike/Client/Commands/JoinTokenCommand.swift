// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TurnpikeModel

/// `turnpike join-token create`
struct JoinTokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join-token",
        abstract: "Make tokens by which workers join.",
        subcommands: [Create.self]
    )

    struct Create: AsyncParsableCommand, OutputChoosing {
        static let configuration = CommandConfiguration(
            abstract: "Make a join token and print it, the only time that it is shown.",
            discussion: "Standard output holds the token and nothing else, so that a script can take it."
        )

        @Option(help: "What the workers that join with it are: \(roles).")
        var kind: Worker.Role = .gateway

        @Option(help: "How long the token is good, such as 30m, 24h or 7d; the control plane's default is 24h.")
        var lifetime: DurationArgument?

        @OptionGroup var write: WriteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        private static var roles: String { Worker.Role.allCases.map(\.rawValue).joined(separator: ", ") }

        func run() async throws {
            var body = JSONObject(["kind": .string(kind.rawValue)])
            if let lifetime { body["lifetime"] = .string(lifetime.duration.text) }
            try await Creation(kind: .joinToken, body: .object(body)).run(write, output, connection)
        }
    }
}
