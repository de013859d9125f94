// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NIOHTTP1
import TurnpikeModel

/// `turnpike diff -f FILE`
struct DiffCommand: AsyncParsableCommand, OutputChoosing {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Show what 'apply' of the same files would change, field by field, and which workers it concerns.",
        discussion: "The control plane works it out by all its rules; nothing is written."
    )

    @Option(
        name: .shortAndLong, help: "A file, a folder of .json, .yaml and .yml files, or - for standard input.",
        completion: .file())
    var file: [String]

    @Option(help: "Count as deleted what carries this label, as name=value, and is not in the files; may be repeated.")
    var prune: [LabelArgument] = []

    @Flag(help: "Exit with status 5 where something differs.")
    var exitCode = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard !file.isEmpty else { throw ValidationError("Say what to compare by -f.") }
    }

    func run() async throws {
        var documents: [BundleFiles.Document] = []
        for path in file { documents += try BundleFiles.documents(at: path) }
        var bundle = try Bundle(documents)
        try bundle.prune(labels: prune)
        let outcome = try await difference(of: bundle)
        switch output.output {
        case .json: Terminal.standardOutput.write(outcome.document.prettyText)
        case .table:
            let terminal = Terminal.standardOutput
            terminal.write(outcome.difference(styled: terminal.isStyled))
        }
        if exitCode, outcome.hasChanges { throw ExitCode(5) }
    }

    private func difference(of bundle: Bundle) async throws(CommandFailure) -> ApplyOutcome {
        let target = Target("apply", query: [(name: "dryRun", value: "true")])
        do {
            let answer = try await connection.connect().send(.POST, target, body: bundle.json, timeout: .seconds(300))
            return try ApplyOutcome(answer.body)
        } catch .refused(let problem) {
            throw .refused(bundle.located(problem))
        } catch { throw error }
    }
}
