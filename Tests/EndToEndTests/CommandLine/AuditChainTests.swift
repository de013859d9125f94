// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeControl
import TurnpikeModel

@testable import turnpike

@Suite struct AuditChainTests {
    /// An audit of three entries.
    private var entries: [JSON] {
        var (entries, previous) = ([JSON](), LogChain.start)
        for revision in 1...3 as ClosedRange<Revision> {
            var entry: JSON = [
                "revision": .integer(revision), "at": "2026-03-01T00:00:00.000Z", "actor": "operator:ops", "source": "",
                "reason": "", "requestId": "r", "changes": [["kind": "tenant", "name": "acme", "afterDigest": "00"]],
                "previousHash": .string(previous),
            ]
            previous = LogChain.Entry(json: entry).map { LogChain.hash(of: $0, after: previous) } ?? ""
            entry = entry.merging(patch: ["hash": .string(previous)])
            entries.append(entry)
        }
        return entries
    }

    private func verify(_ entries: [JSON], through: String? = nil) throws -> JSON {
        var chain = AuditChain(mustPass: through)
        for entry in entries { try chain.take(entry) }
        return try chain.finish()
    }

    @Test func `an untouched audit holds, from any entry on`() throws {
        let result = try verify(entries)
        #expect(result["entries"] == 3 && result["last"] == 3 && result["hash"] == entries[2]["hash"])
        #expect(try verify(Array(entries.dropFirst()))["first"] == 2)
        #expect(try verify([])["entries"] == 0)
    }

    @Test func `an entry taken out, altered or out of order is found`() throws {
        let entries = entries
        #expect(throws: CommandFailure.self) { try verify([entries[0], entries[2]]) }
        #expect(throws: CommandFailure.self) { try verify([entries[1], entries[0]]) }
        #expect(throws: CommandFailure.self) {
            try verify([entries[0], entries[1].merging(patch: ["actor": "system"])])
        }
        #expect(throws: CommandFailure.self) { try verify([entries[0].merging(patch: ["revision": .null])]) }
    }

    @Test func `a part of the log is told from one that somebody has altered`() throws {
        var partial = entries[1].merging(patch: ["partial": true])
        partial = partial.merging(patch: ["changes": []])
        #expect {
            try verify([partial])
        } throws: {
            guard case .failed(let reason)? = $0 as? CommandFailure else { return false }
            return reason.contains("a part of the log") && !reason.contains("missing")
        }
    }

    @Test func `a chain must pass through the hash that was noted`() throws {
        let noted = entries[1]["hash"]?.string
        #expect(try verify(entries, through: noted)["entries"] == 3)
        #expect(throws: CommandFailure.self) { try verify(Array(entries.prefix(1)), through: noted) }
    }
}
