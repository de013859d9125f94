// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NIOHTTP1
import TurnpikeModel

/// `turnpike apply -f FILE`
struct ApplyCommand: AsyncParsableCommand, OutputChoosing {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Make the control plane hold what files say, all of it as one revision or nothing.",
        discussion: """
            A file is JSON or YAML, of one document or several: resources {kind, tenant, name, labels, spec}, lists of \
            them, or {resources: […], deletes: […], prune: {labels: {…}}}.
            """
    )

    @Option(
        name: .shortAndLong, help: "A file, a folder of .json, .yaml and .yml files, or - for standard input.",
        completion: .file())
    var file: [String]

    @Option(help: "Delete what carries this label, as name=value, and is not in the files; may be repeated.")
    var prune: [LabelArgument] = []

    @Flag(name: .shortAndLong, help: "Leave the list of changes out.")
    var quiet = false

    @OptionGroup var write: WriteOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard !file.isEmpty else { throw ValidationError("Say what to apply by -f.") }
    }

    func run() async throws {
        let api = try connection.connect()
        var documents: [BundleFiles.Document] = []
        for path in file { documents += try BundleFiles.documents(at: path) }
        var bundle = try Bundle(documents)
        try bundle.prune(labels: prune)
        try await apply(bundle, by: api).conclude(write, output.output, by: api)
    }

    private func apply(_ bundle: Bundle, by api: APIClient) async throws -> ApplyOutcome {
        let target = Target("apply", query: write.query)
        do {
            let answer = try await api.send(
                .POST, target, body: bundle.json, reason: write.why.reason, idempotencyKey: write.repeatKey,
                timeout: .seconds(300))
            let outcome = try ApplyOutcome(answer.body)
            if output.output == .table {
                Terminal.standardOutput.write(outcome.text(listing: !quiet, isDryRun: write.dryRun))
            }
            return outcome
        } catch CommandFailure.refused(let problem) {
            throw CommandFailure.refused(bundle.located(problem))
        }
    }
}

extension Rollout {
    /// - Throws: where a worker refuses the revision, or has not applied it yet.
    func requireComplete(within timeout: Duration) throws(CommandFailure) {
        switch state {
        case .complete: return
        case .pending:
            let names = workers("pending").compactMap { $0["name"]?.string }.joined(separator: ", ")
            throw .waitTimedOut("After \(timeout.text), revision \(revision) is not yet applied by: \(names).")
        case .rejected:
            let reasons = workers("rejected").map { worker in
                "\n  \(worker["name"]?.string ?? ""): \(Rollout.reasons(of: worker))"
            }
            throw .failed("Workers refuse revision \(revision) and go on with the one before:\(reasons.joined())")
        }
    }
}
