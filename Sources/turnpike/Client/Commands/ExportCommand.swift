// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NIOHTTP1
import TurnpikeModel

/// `turnpike export`
struct ExportCommand: AsyncParsableCommand, OutputChoosing {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Print resources as a bundle that 'apply' takes and that changes nothing where it came from.",
        discussion: "The bundle is JSON, a resource a line, and holds no secrets. With -o json a failure is JSON too."
    )

    @Option(name: .shortAndLong, help: "The tenant itself and all that it has. Without it, all tenants.")
    var tenant: String?

    @Option(name: .shortAndLong, help: "Only this kind; may be repeated. Default: all that describe what is served.")
    var kind: [Kind] = []

    @Option(name: .shortAndLong, help: "Only resources with this label, as name:value; may be repeated.")
    var label: [LabelArgument] = []

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        var query = label.map { (name: "label", value: "\($0.name):\($0.value)") }
        if let tenant { query.append((name: "tenant", value: tenant)) }
        if !kind.isEmpty { query.append((name: "kinds", value: kind.map(\.rawValue).joined(separator: ","))) }
        let answer = try await connection.connect().send(.GET, Target("export", query: query), timeout: .seconds(300))
        let terminal = Terminal.standardOutput
        terminal.write("{\"resources\":[")
        for (index, resource) in (answer.body["resources"]?.array ?? []).enumerated() {
            terminal.write((index == 0 ? "\n" : ",\n") + resource.text)
        }
        terminal.write("\n]}\n")
    }
}
