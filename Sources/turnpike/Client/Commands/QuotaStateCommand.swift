// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NIOHTTP1
import TurnpikeModel

/// `turnpike quota-state QUOTA`
struct QuotaStateCommand: AsyncParsableCommand, OutputChoosing {
    static let configuration = CommandConfiguration(
        commandName: "quota-state",
        abstract: "Show how much of a quota is spent or lent to workers in this period, and what remains."
    )

    @Argument(help: "The quota's name or id.")
    var quota: String

    @Option(name: .shortAndLong, help: "The tenant to which the quota belongs.")
    var tenant: String

    @Option(name: .shortAndLong, help: "The API key, by name or id, where each key has the quota for itself.")
    var key: String?

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let query = key.map { [(name: "key", value: $0)] } ?? []
        let target = Target("tenants", tenant, "quotas", quota, "state", query: query)
        let state = try await connection.connect().send(.GET, target).body
        output.print(state) { Table(quotaState: state) }
    }
}

extension Table {
    init(quotaState: JSON) {
        let fields = ["limit", "committed", "remaining", "periodStart", "periodEnd"]
        self.init(
            fields.map { Column(title: Table.title(of: $0), alignment: $0.hasPrefix("period") ? .left : .right) },
            rows: [fields.map { Table.cell(quotaState[$0]) }])
    }
}
