// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NIOHTTP1
import TurnpikeModel

/// `turnpike audit …`
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Show who changed what, when, from where and why, and check that nobody has rewritten it.",
        subcommands: [List.self, Export.self, Verify.self],
        defaultSubcommand: List.self
    )

    /// What all forms of the audit can be narrowed to.
    struct Scope: ParsableArguments {
        @Option(name: .shortAndLong, help: "Only changes about this tenant.")
        var tenant: String?

        @Option(name: .shortAndLong, help: "Only changes of this kind.")
        var kind: Kind?

        @Option(help: "Only revisions after this one.")
        var since: Revision?

        var query: [(name: String, value: String)] {
            [("tenant", tenant), ("kind", kind?.rawValue), ("since", since.map { "\($0)" })]
                .compactMap { name, value in value.map { (name: name, value: $0) } }
        }
    }

    struct List: AsyncParsableCommand, OutputChoosing {
        static let configuration = CommandConfiguration(abstract: "List entries, newest first.")

        @OptionGroup var scope: Scope

        @Option(help: "Only changes of the resource of this name.")
        var name: String?

        @Option(help: "Only entries by this one, such as operator:ops.")
        var actor: String?

        @Option(help: "Not before this time, such as 2026-03-01T00:00:00Z.")
        var from: String?

        @Option(help: "Before this time.")
        var to: String?

        @Flag(help: "All pages of the list, not just the first.")
        var all = false

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let more = [("name", name), ("actor", actor), ("from", from), ("to", to)]
            let query = scope.query + more.compactMap { name, value in value.map { (name: name, value: $0) } }
            let (data, next) = try await connection.connect().list(Target("audit", query: query), allPages: all)
            output.print(["data": .array(data), "next": next.map { .string($0) } ?? .null]) {
                Table(audit: data, note: next == nil ? nil : "More follow: give --all to see them.")
            }
        }
    }

    struct Export: AsyncParsableCommand, OutputChoosing {
        static let configuration = CommandConfiguration(
            abstract: "Print entries oldest first, one a line as JSON, with all that the chain of hashes is made of.",
            discussion: "With -o json a failure is JSON too."
        )

        @OptionGroup var scope: Scope
        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await connection.connect().lines(Target("audit", query: scope.query)) { entry throws(CommandFailure) in
                Terminal.standardOutput.write(entry.text + "\n")
            }
        }
    }

    struct Verify: AsyncParsableCommand, OutputChoosing {
        static let configuration = CommandConfiguration(
            abstract: "Check the chain of hashes through the audit, of a control plane or of an export.",
            discussion: """
                Note the last hash that this prints: as long as the chain leads to it, nothing up to there has been altered \
                or taken out. The stored documents themselves are checked by 'turnpike check'.
                """
        )

        @Option(name: .shortAndLong, help: "An export to check, instead of a control plane's own audit.")
        var file: String?

        @Option(help: "The hash that the chain must pass through, as an earlier check printed it.")
        var through: String?

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            var chain = AuditChain(mustPass: through)
            if let file {
                for line in try AuditChain.lines(ofFile: file) { try chain.take(line) }
            } else {
                try await connection.connect().lines(Target("audit")) { entry throws(CommandFailure) in
                    try chain.take(entry)
                }
            }
            let result = try chain.finish()
            switch output.output {
            case .json: Terminal.standardOutput.write(result.prettyText)
            case .table: Terminal.standardOutput.write(chain.summary)
            }
        }
    }
}

extension Table {
    /// Entries of the audit, one a row.
    init(audit entries: [JSON], note: String?) {
        let titles = ["revision", "at", "actor", "from", "changes", "reason"]
        self.init(
            titles.map { Column(title: $0, alignment: $0 == "revision" ? .right : .left) },
            rows: entries.map { entry in
                let changes = (entry["changes"]?.array ?? []).map { change in
                    let tenant = change["tenant"]?.string.map { "\($0)/" } ?? ""
                    let effect = change["effect"]?.string ?? ""
                    return "\(effect) \(change["kind"]?.string ?? "") \(tenant)\(change["name"]?.string ?? "")"
                }
                let more = changes.count > 2 ? " and \(changes.count - 2) more" : ""
                return [
                    Table.cell(entry["revision"]), Table.cell(entry["at"]), Table.cell(entry["actor"]),
                    Table.cell(entry["source"]), changes.prefix(2).joined(separator: ", ") + more,
                    Table.cell(entry["reason"]),
                ]
            },
            note: note
        )
    }
}
