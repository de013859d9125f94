// SPDX-License-Identifier: Apache-2.0

/// One thing that is wrong with a body, and where.
public struct Fault: Sendable, Hashable {
    /// What kind of rule is broken; the raw values are part of the API.
    public enum Rule: String, Sendable {
        case required, type, range, length, format, choice, unknown, unique, reference, immutable, conflict
    }

    public var pointer: JSONPointer
    public var rule: Rule
    /// One sentence for people. Never holds a secret.
    public var detail: String

    public init(_ pointer: JSONPointer, _ rule: Rule, _ detail: String) {
        self.pointer = pointer
        self.rule = rule
        self.detail = detail
    }

    public var json: JSON {
        .object(
            JSONObject([
                "pointer": .string(pointer.description), "rule": .string(rule.rawValue), "detail": .string(detail),
            ]))
    }
}
