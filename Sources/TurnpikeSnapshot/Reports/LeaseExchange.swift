// SPDX-License-Identifier: Apache-2.0

public import TurnpikeMetering
public import TurnpikeModel

/// A worker's request for slices of quotas (`POST /v1/workers/{id}/leases`).
public struct LeaseRequest: Sendable, Hashable {
    public struct Want: Sendable, Hashable {
        public var quota: ResourceID
        /// The tenant's id or the key's, as the quota's `per` says.
        public var subject: ResourceID
        /// Units a second that the worker spends on it now.
        public var demand: Int64
        /// Units that the worker still holds.
        public var held: Int64

        public init(quota: ResourceID, subject: ResourceID, demand: Int64, held: Int64) {
            self.quota = quota
            self.subject = subject
            self.demand = demand
            self.held = held
        }
    }

    public var epoch: Epoch
    /// At most 1,000.
    public var wants: [Want]

    public static let maximumWants = 1000

    public init(epoch: Epoch, wants: [Want]) {
        self.epoch = epoch
        self.wants = wants
    }

    public var json: JSON {
        [
            "epoch": .integer(epoch),
            "wants": .array(
                wants.map { want in
                    [
                        "quota": .string(want.quota.text(prefix: Kind.quota.idPrefix)),
                        "subject": .string(subjectText(want.subject)), "demand": .integer(want.demand),
                        "held": .integer(want.held),
                    ]
                }),
        ]
    }

    public init(json: JSON) throws(TurnpikeError) {
        var fields = FieldReader(json, source: .storage)
        epoch = fields.integer("epoch", in: 1...Int64.max)
        wants = fields.list("wants", count: 1...LeaseRequest.maximumWants) { want in
            Want(
                quota: want.id("quota", .quota), subject: want.subject("subject"),
                demand: want.integer("demand", in: 0...1_000_000_000),
                held: want.integer("held", in: 0...1_000_000_000_000_000)
            )
        }
        fields.finish()
        guard fields.faults.isEmpty else { throw .invalid(fields.faults) }
    }
}

/// What the worker got. `granted` is the epoch's running total, so that a lost or repeated answer loses nothing.
public struct LeaseGrant: Sendable, Hashable {
    public var key: LeaseKey
    /// From then on the grant is void and the next period's must be asked for.
    public var periodEnd: Timestamp
    /// Units granted to this worker in this epoch and period, all in all.
    public var granted: Int64
    /// Whether nothing is left to grant in this period.
    public var isExhausted: Bool

    public init(key: LeaseKey, periodEnd: Timestamp, granted: Int64, isExhausted: Bool) {
        self.key = key
        self.periodEnd = periodEnd
        self.granted = granted
        self.isExhausted = isExhausted
    }

    public var json: JSON {
        .object(
            key.members.merging([
                "periodEnd": .string(periodEnd.description), "granted": .integer(granted),
                "exhausted": .bool(isExhausted),
            ]))
    }

    init(reading fields: inout FieldReader) {
        key = LeaseKey(reading: &fields)
        let end = fields.timestamp("periodEnd")
        if end == nil { fields.report("periodEnd", .required, "'periodEnd' is required.") }
        periodEnd = end ?? Timestamp(milliseconds: 0)
        granted = fields.integer("granted", in: 0...Int64.max)
        isExhausted = fields.bool("exhausted")
    }

    /// The answer's body: `{"grants":[…]}`. A want whose quota no longer exists has no grant.
    public static func json(of grants: [LeaseGrant]) -> JSON { ["grants": .array(grants.map(\.json))] }

    public static func grants(in json: JSON) throws(TurnpikeError) -> [LeaseGrant] {
        var fields = FieldReader(json, source: .storage)
        let grants = fields.list("grants", count: 0...LeaseRequest.maximumWants) { LeaseGrant(reading: &$0) }
        fields.finish()
        guard fields.faults.isEmpty else { throw .invalid(fields.faults) }
        return grants
    }
}

extension LeaseKey {
    var members: JSONObject {
        JSONObject([
            "quota": .string(quota.text(prefix: Kind.quota.idPrefix)), "subject": .string(subjectText(subject)),
            "periodStart": .string(periodStart.description),
        ])
    }

    init(reading fields: inout FieldReader) {
        if !fields.has("periodStart") { fields.report("periodStart", .required, "'periodStart' is required.") }
        let start = fields.timestamp("periodStart")
        self.init(
            quota: fields.id("quota", .quota), subject: fields.subject("subject"),
            periodStart: start ?? Timestamp(milliseconds: 0)
        )
    }
}

/// A subject is a tenant or a key; both travel under one prefix, since only equality matters.
private let subjectPrefix = "sub"

private func subjectText(_ id: ResourceID) -> String { id.text(prefix: subjectPrefix) }

extension FieldReader {
    fileprivate mutating func subject(_ name: String) -> ResourceID {
        let text = string(name, length: 1...1024)
        if let id = ResourceID(text: text, prefix: subjectPrefix) { return id }
        if !text.isEmpty { report(name, .format, "'\(name)' must be an id that begins with '\(subjectPrefix)_'.") }
        return .zero
    }
}

extension JSONObject {
    func merging(_ other: JSONObject) -> JSONObject {
        var result = self
        for member in other.members { result[member.name] = member.value }
        return result
    }

    func merging(_ other: KeyValuePairs<String, JSON?>) -> JSONObject { merging(JSONObject(other)) }
}
