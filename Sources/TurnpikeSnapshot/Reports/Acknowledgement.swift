// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// A worker's answer to a delta: applied, or rejected as a whole with the reasons.
public struct Acknowledgement: Sendable, Hashable {
    public struct Reason: Sendable, Hashable {
        /// The resource that could not be served.
        public var name: CompiledName
        public var detail: String

        public init(name: CompiledName, detail: String) {
            self.name = name
            self.detail = detail
        }
    }

    public var revision: Revision
    /// Empty when applied.
    public var reasons: [Reason]
    public var isApplied: Bool { reasons.isEmpty }

    public init(revision: Revision, reasons: [Reason] = []) {
        self.revision = revision
        self.reasons = reasons
    }

    public var json: JSON {
        [
            "revision": .integer(revision), "outcome": isApplied ? "applied" : "rejected",
            "reasons": .array(reasons.map { ["name": .string($0.name.description), "detail": .string($0.detail)] }),
        ]
    }

    private enum Outcome: String, CaseIterable { case applied, rejected }

    public init(json: JSON) throws(TurnpikeError) {
        var fields = FieldReader(json, source: .request)
        revision = fields.integer("revision", in: 0...Int64.max)
        let outcome = fields.choice("outcome", Outcome.self)
        reasons = fields.list("reasons", count: 0...1000) { reason in
            let text = reason.string("name")
            let name = CompiledName(text)
            if name == nil { reason.report("name", .format, "'\(text)' is no compiled resource's name.") }
            return Reason(
                name: name ?? CompiledName(.route, tenant: "", name: ""),
                detail: reason.string("detail", length: 1...1024)
            )
        }
        if (outcome == .applied) != reasons.isEmpty {
            fields.report("reasons", .conflict, "A rejection has reasons, an application has none.")
        }
        fields.finish()
        guard fields.faults.isEmpty else { throw .invalid(fields.faults) }
    }
}
