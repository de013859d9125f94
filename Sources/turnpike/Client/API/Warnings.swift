// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// What a write's answer warns of: what was written and some connected worker cannot do.
struct Warnings: Sendable {
    let sentences: [String]

    init(in document: JSON) {
        sentences = (document["warnings"]?.array ?? []).map { $0["detail"]?.string ?? $0.text }
    }

    /// A line for each; empty where there are none.
    func text(styled: Bool) -> String {
        let mark = styled ? Style.red.applied(to: "Warning:") : "Warning:"
        return sentences.map { "\(mark) \($0)\n" }.joined()
    }
}
