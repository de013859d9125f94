// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// What `POST /v1/apply` answered.
struct ApplyOutcome: Sendable {
    let document: JSON
    let revision: Revision

    init(_ document: JSON) throws(CommandFailure) {
        guard let revision = document["revision"]?.integer else {
            throw .failed("The control plane's answer holds no revision.")
        }
        self.document = document
        self.revision = revision
    }

    private var changes: [JSON] { document["changes"]?.array ?? [] }

    var hasChanges: Bool { !changes.isEmpty }

    /// The changes field by field, as `diff` shows them, and what workers cannot do of them.
    func difference(styled: Bool) -> String {
        func line(_ mark: String, _ style: Style, _ text: String) -> String {
            (styled ? style.applied(to: "\(mark) \(text)") : "\(mark) \(text)") + "\n"
        }
        var text = ""
        for change in changes {
            let title = ApplyOutcome.title(of: change)
            switch change["effect"]?.string {
            case "created": text += line("+", .green, title)
            case "deleted": text += line("-", .red, title)
            default:
                text += "~ \(title)\n"
                for field in change["fields"]?.array ?? [] {
                    let pointer = field["pointer"]?.string ?? ""
                    if let before = field["before"] { text += "  " + line("-", .red, "\(pointer): \(before.text)") }
                    if let after = field["after"] { text += "  " + line("+", .green, "\(pointer): \(after.text)") }
                }
            }
        }
        guard hasChanges else { return "No differences.\n" }
        return text + Concern(in: document).text + Warnings(in: document).text(styled: styled)
    }

    /// For people: each change where `listing`, the counts, every secret that was made, and what workers cannot do.
    func text(listing: Bool, isDryRun: Bool) -> String {
        var text = ""
        var counts: [String: Int] = [:]
        for change in changes {
            let effect = change["effect"]?.string ?? ""
            counts[effect, default: 0] += 1
            if listing { text += "\(effect)  \(ApplyOutcome.title(of: change))\n" }
        }
        let summary = ["created", "updated", "deleted"].map { "\(counts[$0] ?? 0) \($0)" }.joined(separator: ", ")
        let unchanged = document["unchanged"]?.integer ?? 0
        let conclusion = isDryRun ? "a dry run, so nothing is written" : "revision \(revision)"
        text += "\(summary), \(unchanged) unchanged: \(conclusion).\n"
        for change in changes {
            guard let secret = ApplyOutcome.secret(of: change) else { continue }
            text += "\(ApplyOutcome.title(of: change)), not shown again: \(secret)\n"
        }
        return text + Warnings(in: document).text(styled: false)
    }

    /// The credential that a creation made: the answer has it under the field that its kind declares.
    private static func secret(of change: JSON) -> String? {
        let kind = change["kind"]?.string.flatMap { Kind(rawValue: $0) }
        return kind?.spec.credential.flatMap { change[$0.field]?.string }
    }

    /// `route acme/orders`
    private static func title(of change: JSON) -> String {
        let tenant = change["tenant"]?.string.map { "\($0)/" } ?? ""
        return "\(change["kind"]?.string ?? "") \(tenant)\(change["name"]?.string ?? "")"
    }
}
