// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// A refusal as the control plane words it (RFC 9457).
struct Problem: Sendable {
    struct FieldFault: Sendable {
        /// Where in the body, as a JSON Pointer.
        let pointer: String
        /// The pointer; what a person calls the place once `Bundle` has translated it.
        var place: String
        var detail: String
    }

    var status: Int
    var title: String
    var detail: String
    var faults: [FieldFault]
    var requestID: String?
    /// As the control plane sent it.
    private let body: JSON?

    /// - Parameter body: `nil` where the answer holds no JSON, as that of a server which is no control plane.
    init(status: Int, body: JSON?) {
        self.status = status
        self.body = body
        title = body?["title"]?.string ?? "The server answered with status \(status)"
        detail = body?["detail"]?.string ?? ""
        requestID = body?["requestId"]?.string
        faults = (body?["errors"]?.array ?? []).map { fault in
            let pointer = fault["pointer"]?.string ?? ""
            return FieldFault(pointer: pointer, place: pointer, detail: fault["detail"]?.string ?? "")
        }
    }

    /// The problem as the control plane sent it; beside each pointer, the `place` where that is called otherwise.
    var json: JSON {
        guard var document = body?.object else {
            return ["type": "about:blank", "title": .string(title), "status": .integer(Int64(status))]
        }
        if let errors = document["errors"]?.array, errors.count == faults.count {
            document["errors"] = .array(
                zip(errors, faults).map { error, fault in
                    guard fault.place != fault.pointer, var object = error.object else { return error }
                    object["place"] = .string(fault.place)
                    return .object(object)
                })
        }
        return .object(document)
    }

    /// Title and detail, then each fault on a line of its own, but for one that says the detail again, of no place.
    var text: String {
        var text = title + (detail.isEmpty || detail == title ? "\n" : ": \(detail)\n")
        for fault in faults where !(fault.place.isEmpty && fault.detail == detail) {
            text += "  \(fault.place.isEmpty ? "(body)" : fault.place): \(fault.detail)\n"
        }
        if status >= 500, let requestID { text += "  request id \(requestID)\n" }
        return text
    }
}
