// SPDX-License-Identifier: Apache-2.0

import Foundation
import TurnpikeControl
import TurnpikeModel

/// A check of the chain of hashes through the audit, entry by entry, without trust in who gives the entries.
struct AuditChain {
    private(set) var count = 0
    private var first: Revision?
    private var last: Revision = 0
    private var hash: String?
    private var mustPass: String?

    /// - Parameter hash: that the chain has to pass through; `nil`: any chain will do.
    init(mustPass hash: String?) { mustPass = hash }

    /// - Throws: `failed`, naming the entry, where it does not follow from the one before, or is narrowed to what a token sees
    ///   or somebody asked for.
    mutating func take(_ json: JSON) throws(CommandFailure) {
        if json["partial"]?.bool == true {
            throw .failed(
                """
                The entries are a part of the log, which cannot be checked alone: their hashes cover what is left out. Take the \
                whole log, by a token that is bound to no tenant, and an export without --tenant and --kind.
                """)
        }
        guard let entry = LogChain.Entry(json: json), let previous = json["previousHash"]?.string,
            let claimed = json["hash"]?.string
        else { throw .failed("An entry of the audit cannot be read: \(json.text.prefix(200))") }
        if let hash, previous != hash {
            throw .failed("The chain is broken between revisions \(last) and \(entry.revision): entries are missing.")
        }
        guard entry.revision > last, LogChain.hash(of: entry, after: previous) == claimed else {
            throw .failed("Revision \(entry.revision) is not what was written: its hash does not fit.")
        }
        first = first ?? entry.revision
        last = entry.revision
        hash = claimed
        count += 1
        if mustPass == previous || mustPass == claimed { mustPass = nil }
    }

    /// - Throws: `failed` where the chain did not pass through the hash that it had to.
    func finish() throws(CommandFailure) -> JSON {
        if let mustPass { throw .failed("The chain does not pass through \(mustPass).") }
        return [
            "entries": .integer(Int64(count)), "first": first.map { .integer($0) } ?? .null, "last": .integer(last),
            "hash": hash.map { .string($0) } ?? .null,
        ]
    }

    var summary: String {
        guard let first, let hash else { return "There are no entries.\n" }
        return "The chain holds: \(count) entries, revisions \(first) to \(last), hash \(hash).\n"
    }

    /// An export's entries.
    static func lines(ofFile path: String) throws(CommandFailure) -> [JSON] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw .failed("'\(path)' cannot be read.")
        }
        var entries: [JSON] = []
        for (index, line) in text.split(separator: "\n").enumerated() {
            guard let json = try? JSON.parse(line.utf8.map { $0 }) else {
                throw .failed("Line \(index + 1) of '\(path)' is no JSON.")
            }
            entries.append(json)
        }
        return entries
    }
}
