// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// A refusal as the control plane words it (RFC 9457).
struct Problem: Sendable {
    struct FieldFault: Sendable {
        /// Where in the body, as a JSON Pointer; what a person calls the place once `Bundle` has translated it.
        var place: String
        var detail: String
    }

    var status: Int
    var title: String
    var detail: String
    var faults: [FieldFault]
    var requestID: String?

    /// - Parameter body: `nil` where the answer holds no JSON, as that of a server which is no control plane.
    init(status: Int, body: JSON?) {
        self.status = status
        title = body?["title"]?.string ?? "The server answered with status \(status)"
        detail = body?["detail"]?.string ?? ""
        requestID = body?["requestId"]?.string
        faults = (body?["errors"]?.array ?? []).map { fault in
            FieldFault(place: fault["pointer"]?.string ?? "", detail: fault["detail"]?.string ?? "")
        }
    }

    /// Title and detail, then each fault on a line of its own.
    var text: String {
        var text = title + (detail.isEmpty || detail == title ? "\n" : ": \(detail)\n")
        for fault in faults { text += "  \(fault.place.isEmpty ? "(body)" : fault.place): \(fault.detail)\n" }
        if status >= 500, let requestID { text += "  request id \(requestID)\n" }
        return text
    }
}
