// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

extension Bundle {
    /// The most values that a body may hold, aliases written out: what 16 MiB of plain YAML hold at the very most.
    private static let bodyValueLimit = 4_000_000

    /// The YAML of a request's body, its documents put together as those of files are.
    ///
    /// - Throws: `invalidYAML`.
    @Sendable static func read(body text: String) throws(TurnpikeError) -> JSON {
        let documents: [BundleFiles.Document]
        do {
            documents = try YAMLReader.documents(in: text, valueLimit: bodyValueLimit).enumerated().map { index, json in
                BundleFiles.Document(origin: "document \(index + 1)", json: json)
            }
        } catch {
            let line = error.line.map { "Line \($0) of the body" } ?? "The body"
            throw TurnpikeError(.invalidYAML, "\(line) is not valid YAML: \(error.reason)")
        }
        do { return try Bundle(documents).json } catch {
            guard case .failed(let reason) = error else { throw TurnpikeError(.invalidYAML, "The body is no bundle.") }
            throw TurnpikeError(.invalidYAML, reason)
        }
    }
}
