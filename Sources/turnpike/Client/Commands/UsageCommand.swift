// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TurnpikeModel

/// `turnpike usage`
struct UsageCommand: AsyncParsableCommand, OutputChoosing {
    static let configuration = CommandConfiguration(
        commandName: "usage",
        abstract: "Report what a tenant has used."
    )

    enum Bucket: String, ExpressibleByArgument, CaseIterable { case minute, hour, day, month }

    @Option(name: .shortAndLong, help: "The tenant whose usage is reported.")
    var tenant: String

    @Option(help: "Start of the window, such as 2026-03-01T00:00:00Z.")
    var from: String?

    @Option(help: "End of the window, itself not included.")
    var to: String?

    @Option(help: "A row for each of these: key, route, statusClass, with commas between them.")
    var groupBy: String?

    @Option(help: "A row for each stretch of time, in the tenant's time zone.")
    var bucket: Bucket?

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let parameters = [("from", from), ("to", to), ("groupBy", groupBy), ("bucket", bucket?.rawValue)]
        let query = parameters.compactMap { name, value in value.map { (name: name, value: $0) } }
        let target = Target("tenants", tenant, "usage", query: query)
        let (data, _) = try await connection.connect().list(target, allPages: true)
        output.print(["data": .array(data), "next": .null]) { Table(usage: data) }
    }
}

extension Table {
    /// Rows of a usage report: what they are about on the left, integers on the right.
    init(usage rows: [JSON]) {
        var names: [String] = []
        for row in rows {
            for name in row.object?.names ?? [] where !names.contains(name) { names.append(name) }
        }
        let isCounter = { (name: String) in rows.allSatisfy { $0[name]?.integer != nil } }
        names = names.filter { !isCounter($0) } + names.filter(isCounter)
        self.init(
            names.map { Column(title: Table.title(of: $0), alignment: isCounter($0) ? .right : .left) },
            rows: rows.map { row in names.map { Table.cell(row[$0]) } }
        )
    }
}
