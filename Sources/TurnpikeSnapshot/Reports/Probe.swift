// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// A question to a worker, on its stream: how much of these rate limits is left, as it counts them itself. It changes
/// nothing, and a worker that is too late is not waited for.
public struct Probe: Sendable, Hashable {
    /// Whom a rate limit counts.
    public struct Subject: Sendable, Hashable {
        /// The policy's id.
        public var policy: ResourceID
        /// The id of the key, tenant or route that the policy counts by.
        public var subject: ResourceID

        public init(policy: ResourceID, subject: ResourceID) {
            self.policy = policy
            self.subject = subject
        }
    }

    /// Subjects in one probe.
    public static let mostSubjects = 64

    /// By which the answer is told from others.
    public var id: Int64
    public var subjects: [Subject]

    public init(id: Int64, subjects: [Subject]) {
        self.id = id
        self.subjects = subjects
    }

    func write(to fields: inout FieldWriter) {
        fields.write("id", id)
        fields.write(
            "subjects",
            .array(
                subjects.map { ["policy": .string($0.policy.plainText), "subject": .string($0.subject.plainText)] }))
    }

    init(reading fields: inout FieldReader) {
        id = fields.integer("id", in: 0...Int64.max)
        subjects = fields.list("subjects", count: 0...Self.mostSubjects) { subject in
            Subject(policy: subject.plainID("policy"), subject: subject.plainID("subject"))
        }
    }
}

/// A worker's answer to a probe (`POST /v1/workers/{id}/probes/{probe}`).
public struct ProbeAnswer: Sendable, Hashable {
    public struct State: Sendable, Hashable {
        /// Requests that may still come at once.
        public var remaining: Int64
        /// Milliseconds, rounded up, until the whole burst is there again.
        public var resetAfterMillis: Int64

        public init(remaining: Int64, resetAfterMillis: Int64) {
            self.remaining = remaining
            self.resetAfterMillis = resetAfterMillis
        }
    }

    /// One for each subject of the probe, in its order; `nil` where the worker has counted nothing that is not forgotten:
    /// the whole burst is there.
    public var states: [State?]

    public init(states: [State?]) { self.states = states }

    public var json: JSON {
        [
            "states": .array(
                states.map { state in
                    state.map {
                        ["remaining": .integer($0.remaining), "resetAfterMillis": .integer($0.resetAfterMillis)]
                    } ?? .object(JSONObject())
                })
        ]
    }

    public init(json: JSON) throws(TurnpikeError) {
        var fields = FieldReader(json, source: .request)
        if !fields.has("states") { fields.report("states", .required, "'states' is required.") }
        states = fields.list("states", count: 0...Probe.mostSubjects) { state in
            guard state.has("remaining") || state.has("resetAfterMillis") else { return nil }
            return State(
                remaining: state.integer("remaining", in: 0...Int64.max),
                resetAfterMillis: state.integer("resetAfterMillis", in: 0...Int64.max))
        }
        fields.finish()
        guard fields.faults.isEmpty else { throw .invalid(fields.faults) }
    }
}

extension ResourceID {
    /// Of whatever kind the resource is: a worker does not need to know.
    fileprivate var plainText: String { text(prefix: "id") }
}

extension FieldReader {
    fileprivate mutating func plainID(_ name: String) -> ResourceID {
        let text = string(name, length: 1...1024)
        if let id = ResourceID(text: text, prefix: "id") { return id }
        if !text.isEmpty { report(name, .format, "'\(name)' must be an id that begins with 'id_'.") }
        return .zero
    }
}
