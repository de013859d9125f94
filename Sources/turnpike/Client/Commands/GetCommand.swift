// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NIOHTTP1
import TurnpikeModel

/// `turnpike get KIND [NAME]`
struct GetCommand: AsyncParsableCommand, OutputChoosing {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Show resources of a kind, or one of them.",
        discussion: "Kinds: \(Kind.allCases.map(\.plural).joined(separator: ", "))."
    )

    @Argument(help: "The kind, singular or plural.")
    var kind: Kind

    @Argument(help: "The resource's name or id. Without it, all are listed.")
    var name: String?

    @Option(name: .shortAndLong, help: "The tenant whose resources are meant.")
    var tenant: String?

    @Option(name: .shortAndLong, help: "Only resources with this label, as name:value; may be repeated.")
    var label: [LabelArgument] = []

    @Option(help: "Only resources of which this field has this value, as name=value; may be repeated.")
    var field: [LabelArgument] = []

    @Flag(help: "All pages of the list, not just the first.")
    var all = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    /// What stands for something else in the query of a list.
    private static let parameters: Set<String> = ["limit", "cursor", "label", "minRevision"]

    func validate() throws {
        if name != nil, all || !label.isEmpty || !field.isEmpty {
            throw ValidationError("A name asks for one resource; leave --all, --label and --field out.")
        }
        if let taken = field.first(where: { GetCommand.parameters.contains($0.name) }) {
            throw ValidationError("Lists cannot be filtered by the field '\(taken.name)'.")
        }
    }

    func run() async throws {
        let api = try connection.connect()
        if let name {
            let document = try await api.send(.GET, Target(kind, tenant: tenant, name: name)).body
            output.print(document) { Table(documents: [document]) }
        } else {
            let query =
                label.map { (name: "label", value: "\($0.name):\($0.value)") }
                + field.map { (name: $0.name, value: $0.value) }
            let target = try Target(kind, tenant: tenant, query: query)
            let (data, next) = try await api.list(target, allPages: all)
            output.print(["data": .array(data), "next": next.map { .string($0) } ?? .null]) {
                Table(documents: data, note: next == nil ? nil : "More follow: give --all to see them.")
            }
        }
    }
}
