// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NIOHTTP1
import TurnpikeModel

/// `turnpike keys …`
struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Make and list a tenant's API keys.",
        subcommands: [Create.self, List.self]
    )

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an API key and print it, the only time that it is shown.",
            discussion: "Standard output holds the key and nothing else, so that a script can take it."
        )

        @Argument(help: "The key's name.")
        var name: String

        @Option(name: .shortAndLong, help: "The tenant to which the key belongs.")
        var tenant: String

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let target = try Target(.apiKey, tenant: tenant)
            let answer = try await connection.connect().send(.POST, target, body: ["name": .string(name)])
            try output.printCredential(of: answer.body, kind: .apiKey)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the keys of a tenant.")

        @Option(name: .shortAndLong, help: "The tenant whose keys are listed.")
        var tenant: String

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let target = try Target(.apiKey, tenant: tenant)
            let (data, _) = try await connection.connect().list(target, allPages: true)
            output.print(["data": .array(data), "next": .null]) { Table(documents: data) }
        }
    }
}

extension OutputOptions {
    /// Prints what creating a credential answered: the bare secret, with a remark where a person may read it.
    func printCredential(of document: JSON, kind: Kind) throws(CommandFailure) {
        guard let field = kind.spec.credential?.field, let secret = document[field]?.string else {
            throw .failed("The control plane's answer holds no secret.")
        }
        switch output {
        case .json: Terminal.standardOutput.write(document.prettyText)
        case .table:
            Terminal.standardOutput.write(secret + "\n")
            let name = document["name"]?.string ?? ""
            Terminal.standardError.write("Keep the \(field) of '\(name)' now: it is not shown again.\n")
        }
    }
}
