// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TurnpikeModel

/// `turnpike workers`
struct WorkersCommand: AsyncParsableCommand, OutputChoosing {
    static let configuration = CommandConfiguration(
        commandName: "workers",
        abstract: "Show the workers, whether they are connected, and what they have applied."
    )

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let (data, _) = try await connection.connect().list(Target(.worker, tenant: nil), allPages: true)
        output.print(["data": .array(data), "next": .null]) { Table(workers: data) }
    }
}

extension Table {
    init(workers: [JSON]) {
        let titles = [
            "name", "kind", "version", "connected", "zone", "addresses", "serves by", "behind", "last seen", "refuses",
        ]
        self.init(
            titles.map { Column(title: $0, alignment: ["serves by", "behind"].contains($0) ? .right : .left) },
            rows: workers.map { worker in
                let status = worker["status"] ?? .null
                return [
                    Table.cell(worker["name"]), Table.cell(worker["kind"]),
                    Table.cell(status["version"] ?? worker["version"]),
                    status["connected"]?.bool == true ? "yes" : "no",
                    Table.cell(status["zone"]), Table.cell(status["addresses"]), Table.cell(status["appliedRevision"]),
                    Table.cell(status["lag"]), Table.cell(status["lastSeen"]), Rollout.reasons(of: status),
                ]
            }
        )
    }
}
