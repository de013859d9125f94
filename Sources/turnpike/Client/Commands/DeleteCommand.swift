// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NIOHTTP1
import TurnpikeModel

/// `turnpike delete KIND NAME`
struct DeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete a resource that no other refers to."
    )

    @Argument(help: "The kind, singular or plural.")
    var kind: Kind

    @Argument(help: "The resource's name or id.")
    var name: String

    @Option(name: .shortAndLong, help: "The tenant to which the resource belongs.")
    var tenant: String?

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        _ = try await connection.connect().send(.DELETE, Target(kind, tenant: tenant, name: name))
        Terminal.standardOutput.write("deleted \(ResourceKey(kind, tenant: tenant, name: name))\n")
    }
}
