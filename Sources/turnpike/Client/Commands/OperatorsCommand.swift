// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TurnpikeModel

/// `turnpike operators …`
struct OperatorsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "operators",
        abstract: "Make and list operators: who may use the REST API.",
        subcommands: [Create.self, List.self]
    )

    struct Create: AsyncParsableCommand, OutputChoosing {
        static let configuration = CommandConfiguration(
            abstract: "Make an operator and print its token, the only time that it is shown.",
            discussion: "Standard output holds the token and nothing else, so that a script can take it."
        )

        @Argument(help: "The operator's name.")
        var name: String

        @Option(help: "What the token may do: owner, operator or viewer.")
        var role: Operator.Role = .operator

        @Option(name: .shortAndLong, help: "Confine the token to this tenant.")
        var tenant: String?

        @Option(help: "When the token ends, such as 2027-01-01T00:00:00Z. Default: never.")
        var expiresAt: String?

        @OptionGroup var write: WriteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            var body = JSONObject(["name": .string(name), "role": .string(role.rawValue)])
            body["tenant"] = tenant.map { .string($0) }
            body["expiresAt"] = expiresAt.map { .string($0) }
            try await Creation(kind: .operator, body: .object(body)).run(write, output, connection)
        }
    }

    struct List: AsyncParsableCommand, OutputChoosing {
        static let configuration = CommandConfiguration(abstract: "List the operators.")

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let (data, _) = try await connection.connect().list(Target(.operator, tenant: nil), allPages: true)
            output.print(["data": .array(data), "next": .null]) { Table(documents: data) }
        }
    }
}
