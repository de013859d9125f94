// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NIOHTTP1
import TurnpikeModel

/// `turnpike workers [NAME]`
struct WorkersCommand: AsyncParsableCommand, OutputChoosing {
    static let configuration = CommandConfiguration(
        commandName: "workers",
        abstract:
            "Show the workers, whether they are connected, and what they have applied; or one, with all it says of itself."
    )

    @Argument(help: "The worker's name or id. Without it, all are listed.")
    var name: String?

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let api = try connection.connect()
        if let name {
            let document = try await api.send(.GET, Target(.worker, tenant: nil, name: name)).body
            return output.print(document) { Table(worker: document) }
        }
        let (data, _) = try await api.list(Target(.worker, tenant: nil), allPages: true)
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

    /// All that is known of one worker, a line each; of a list, a line for each of its elements.
    init(worker: JSON) {
        let status = worker["status"] ?? .null
        func cells(_ value: JSON?) -> [String] { value?.array.map { $0.map { Table.cell($0) } } ?? [Table.cell(value)] }
        let facts: [(title: String, values: [String])] = [
            ("name", cells(worker["name"])), ("id", cells(worker["id"])), ("kind", cells(worker["kind"])),
            ("version", cells(status["version"] ?? worker["version"])),
            ("connected", [status["connected"]?.bool == true ? "yes" : "no"]), ("zone", cells(status["zone"])),
            ("last seen", cells(status["lastSeen"])), ("joined", cells(worker["createdAt"])),
            ("serves by", cells(status["appliedRevision"])), ("behind", cells(status["lag"])),
            ("addresses", cells(status["addresses"])), ("capabilities", cells(status["capabilities"])),
            ("refuses", [Rollout.reasons(of: status)]),
        ]
        let rows = facts.flatMap { fact in
            fact.values.enumerated().map { [$0.offset == 0 ? fact.title : "", $0.element] }
        }
        self.init([Column(title: "what"), Column(title: "of the worker")], rows: rows.filter { $0[1] != "" })
    }
}
