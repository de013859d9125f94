// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import TurnpikeIdentity
import TurnpikeModel
import TurnpikeSQLite

/// `turnpike sealing-key …`
struct SealingKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sealing-key",
        abstract: "Change the key by which private keys of certificates are sealed.",
        discussion: """
            'rotate' puts a new key before those that are there; the control plane seals by it from SIGHUP or its next start on, \
            and seals anew what was sealed before. 'list' tells when that is done; then 'drop' takes the former key away.
            """,
        subcommands: [List.self, Rotate.self, Drop.self]
    )

    /// Where the keys are, and what they have sealed.
    struct Place: ParsableArguments {
        @Option(help: "The control plane's data folder.")
        var data = "./turnpike-data"

        @Option(
            help: """
                The file of the keys. (default: sealing.key in the data folder; environment: TURNPIKE_SEALING_KEY_FILE)
                """)
        var sealingKeyFile: String?

        var file: SealingKeyFile {
            SealingKeyFile(
                sealingKeyFile ?? ProcessInfo.processInfo.environment["TURNPIKE_SEALING_KEY_FILE"], dataFolder: data)
        }

        /// - Throws: where there are none: to make the first is the control plane's.
        func keys() throws(TurnpikeError) -> SealingKeys {
            guard file.exists else {
                throw TurnpikeError(
                    .storageFailed,
                    "There is no sealing key '\(file.path)'; the control plane makes one at its first start.")
            }
            return try file.keys()
        }

        /// How many texts each key has sealed, by its id.
        func counts() throws(TurnpikeError) -> (resources: [String: Int], log: [String: Int]) {
            var (resources, log): ([String: Int], [String: Int]) = ([:], [:])
            try SealedTexts.forEach(in: data) { place, text in
                guard let id = SealingKey.id(in: text) else { return }
                switch place {
                case .resource: resources[id, default: 0] += 1
                case .log: log[id, default: 0] += 1
                }
            }
            return (resources, log)
        }
    }

    struct List: ParsableCommand, OutputChoosing {
        static let configuration = CommandConfiguration(
            abstract: "Tell which keys there are, and what each has sealed, while the control plane runs or not.")

        @OptionGroup var place: Place
        @OptionGroup var output: OutputOptions

        func run() throws {
            do throws(TurnpikeError) {
                let keys = try place.keys()
                let (resources, log) = try place.counts()
                let known = keys.all.map(\.id)
                let lost = Set(resources.keys).union(log.keys).subtracting(known).sorted()
                let rows = (known + lost).map { id in
                    let use = id == keys.first.id ? "seals" : known.contains(id) ? "opens" : "is not there"
                    return (id: id, use: use, certificates: resources[id] ?? 0, log: log[id] ?? 0)
                }
                let data = rows.map { row -> JSON in
                    [
                        "id": .string(row.id), "use": .string(row.use),
                        "certificates": .integer(Int64(row.certificates)),
                        "log": .integer(Int64(row.log)),
                    ]
                }
                output.print(["data": .array(data)]) {
                    Table(
                        [
                            .init(title: "key"), .init(title: "use"), .init(title: "certificates", alignment: .right),
                            .init(title: "in the log", alignment: .right),
                        ], rows: rows.map { [$0.id, $0.use, "\($0.certificates)", "\($0.log)"] })
                }
            } catch { throw CommandFailure.failed(error.description) }
        }
    }

    struct Rotate: ParsableCommand, OutputChoosing {
        static let configuration = CommandConfiguration(
            abstract: "Put a new key before those that are there, while the control plane runs or not.",
            discussion:
                "It seals by the new one from SIGHUP or its next start on. Keep a copy of the file, apart from the backups."
        )

        @OptionGroup var place: Place
        @OptionGroup var output: OutputOptions

        func run() throws {
            do throws(TurnpikeError) {
                let keys = try place.keys()
                guard let rotated = keys.rotated() else {
                    throw TurnpikeError(
                        .storageFailed,
                        "There are \(SealingKeys.most) keys already: drop those that nothing is sealed by.")
                }
                try place.file.keep(rotated)
                switch output.output {
                case .json:
                    let document: JSON = ["id": .string(rotated.first.id), "former": .string(keys.first.id)]
                    Terminal.standardOutput.write(document.prettyText)
                case .table:
                    Terminal.standardOutput.write(
                        """
                        The key \(rotated.first.id) comes before \(keys.first.id) in '\(place.file.path)'.
                        Send SIGHUP to the control plane, or start it: it seals by the new one then, and seals anew what was sealed \
                        before.

                        """)
                }
            } catch { throw CommandFailure.failed(error.description) }
        }
    }

    struct Drop: ParsableCommand, OutputChoosing {
        static let configuration = CommandConfiguration(
            abstract:
                "Take a former key away that no certificate is sealed by any more, while the control plane is stopped.",
            discussion: """
                What the log has of before stays sealed by it: revisions that changed a certificate then cannot be taken back any \
                more, nor exports and backups of then be used without a copy of the key.
                """)

        @Argument(help: "The key's id, as 'turnpike sealing-key list' tells it.")
        var id: String

        @OptionGroup var place: Place
        @OptionGroup var output: OutputOptions

        func run() throws {
            do throws(TurnpikeError) {
                // One that runs would seal by the keys that it has read.
                try SealedTexts.whileUnused(place.data) { () throws(TurnpikeError) in try drop() }
                switch output.output {
                case .json: Terminal.standardOutput.write((["dropped": .string(id)] as JSON).prettyText)
                case .table: Terminal.standardOutput.write("The key \(id) is gone from '\(place.file.path)'.\n")
                }
            } catch { throw CommandFailure.failed(error.description) }
        }

        private func drop() throws(TurnpikeError) {
            let keys = try place.keys()
            guard id != keys.first.id else {
                throw TurnpikeError(.storageFailed, "The key \(id) seals: put another one before it ('rotate') first.")
            }
            guard keys.former.contains(where: { $0.id == id }) else {
                throw TurnpikeError(.storageFailed, "There is no key \(id) in '\(place.file.path)'.")
            }
            if let count = try place.counts().resources[id] {
                throw TurnpikeError(
                    .storageFailed,
                    "\(count) certificates are sealed by \(id) still: start the control plane, and wait for it.")
            }
            try place.file.keep(keys.dropping(id))
        }
    }
}
