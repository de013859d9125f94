// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import TurnpikeModel

/// A place in a list together with the question that it belongs to, opaque to clients. A cursor of another question is
/// refused rather than answered with a page of something else.
struct Cursor {
    /// Where to go on.
    var place: JSON
    /// The path and the parameters that made the list.
    var question: String

    var text: String {
        let json = JSON.array([.string(question), place])
        return Data(json.utf8).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// - Throws: `invalidCursor`.
    init(text: String, question: String) throws(TurnpikeError) {
        let base64 = text.replacing("-", with: "+").replacing("_", with: "/")
        let padded = base64 + String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
        guard text.utf8.count <= 4096, let data = Data(base64Encoded: padded), let json = try? JSON.parse(data),
            let place = json[1], json[0]?.string == question, json.array?.count == 2
        else {
            throw TurnpikeError(.invalidCursor, "The cursor is damaged or belongs to another list.")
        }
        self.place = place
        self.question = question
    }

    init(place: JSON, question: String) {
        self.place = place
        self.question = question
    }
}
