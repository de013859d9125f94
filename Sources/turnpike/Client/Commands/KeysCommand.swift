// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TurnpikeModel

/// `turnpike keys …`
struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Make and list a tenant's API keys.",
        subcommands: [Create.self, List.self]
    )

    struct Create: AsyncParsableCommand, OutputChoosing {
        static let configuration = CommandConfiguration(
            abstract: "Make an API key and print it, the only time that it is shown.",
            discussion: "Standard output holds the key and nothing else, so that a script can take it."
        )

        @Argument(help: "The key's name.")
        var name: String

        @Option(name: .shortAndLong, help: "The tenant to which the key belongs.")
        var tenant: String

        @Option(help: "When the key ends, such as 2027-01-01T00:00:00Z. Default: never.")
        var expiresAt: String?

        @Option(help: "A route that the key opens; may be repeated. Default: all of the tenant.")
        var route: [String] = []

        @Option(name: .shortAndLong, help: "A label, as name=value; may be repeated.")
        var label: [LabelArgument] = []

        @OptionGroup var write: WriteOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        /// What is sent: only what was given, so that the control plane's defaults hold.
        var body: JSON {
            var labels = JSONObject()
            for label in label { labels[label.name] = .string(label.value) }
            return .object(
                JSONObject([
                    "name": .string(name), "expiresAt": expiresAt.map { .string($0) },
                    "routes": route.isEmpty ? nil : .array(route.map { .string($0) }),
                    "labels": label.isEmpty ? nil : .object(labels),
                ]))
        }

        func run() async throws {
            try await Creation(kind: .apiKey, tenant: tenant, body: body).run(write, output, connection)
        }
    }

    struct List: AsyncParsableCommand, OutputChoosing {
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
            Terminal.standardError.write(Warnings(in: document).text(styled: Terminal.standardError.isStyled))
        }
    }
}
