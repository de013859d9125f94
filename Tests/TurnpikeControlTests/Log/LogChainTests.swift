// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeIdentity
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeControl

@Suite struct LogChainTests {
    /// By a tree of the array that the documentation tells of, so that whoever checks an export by that finds the same.
    private func documented(_ entry: LogChain.Entry, after previous: String) -> String {
        func text(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }
        let changes = entry.changes.map { change -> JSON in
            [
                .string(change.kind), text(change.tenant), .string(change.name), text(change.beforeDigest),
                text(change.afterDigest),
            ]
        }
        let json: JSON = [
            .string(previous), .integer(entry.revision), .string(entry.at), .string(entry.actor), .string(entry.source),
            .string(entry.reason), .string(entry.requestID), .array(changes),
        ]
        return KeyDigest.sha256(of: json.text).hex
    }

    @Test(arguments: 0...3)
    func `an entry's hash is that of one JSON array`(changeCount: Int) {
        let changes = (0..<changeCount).map { number in
            LogChain.Entry.Change(
                kind: "route", tenant: number == 1 ? nil : "acme", name: "r\(number)",
                beforeDigest: number == 0 ? nil : LogChain.digest(of: "{}"),
                afterDigest: number == 2 ? nil : LogChain.digest(of: "[]"))
        }
        for reason in ["", "rollout", "said \"so\" \\ twice,\nin two lines", "größer"] {
            let entry = LogChain.Entry(
                revision: 7, at: "2026-01-02T03:04:05.678Z", actor: "operator:ops", source: "192.0.2.7", reason: reason,
                requestID: "req_1", changes: changes)
            #expect(LogChain.hash(of: entry, after: LogChain.start) == documented(entry, after: LogChain.start))
        }
    }

    @Test func `an entry's hash stays what it was`() {
        let entry = LogChain.Entry(
            revision: 1, at: "2026-01-02T03:04:05.678Z", actor: "system", source: "", reason: "", requestID: "req_1",
            changes: [.init(kind: "tenant", tenant: nil, name: "acme", beforeDigest: nil, afterDigest: LogChain.start)])
        let array =
            #"["\#(LogChain.start)",1,"2026-01-02T03:04:05.678Z","system","","","req_1","#
            + #"[["tenant",null,"acme",null,"\#(LogChain.start)"]]]"#
        #expect(LogChain.hash(of: entry, after: LogChain.start) == KeyDigest.sha256(of: array).hex)
    }
}
