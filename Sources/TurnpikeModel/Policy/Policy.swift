// SPDX-License-Identifier: Apache-2.0

/// Behaviour attached to routes by selector. `kind` says which behaviour; each has its own fields.
public struct Policy: ResourceSpec {
    public static let kind = Kind.policy
    public static let plural = "policies"
    public static let idPrefix = "pol"

    public enum Behaviour: String, Sendable, CaseIterable { case rateLimit }

    public var rateLimit: RateLimit
    public var selector: RouteSelector

    public init(reading fields: inout FieldReader) {
        _ = fields.choice("kind", Behaviour.self)
        rateLimit = RateLimit(reading: &fields)
        selector = RouteSelector(reading: &fields)
    }

    public func write(to fields: inout FieldWriter) {
        fields.write("kind", Behaviour.rateLimit)
        rateLimit.write(to: &fields)
        selector.write(to: &fields)
    }

    public var references: [Reference] { selector.references }
}

/// How many requests an interval may see on average, and how many may come at once (GCRA).
public struct RateLimit: Sendable, Hashable {
    /// Who shares one allowance.
    public enum Subject: String, Sendable, CaseIterable { case key, tenant, route, address }

    public var per: Subject
    /// Requests in an interval, 1 to 1,000,000,000.
    public var limit: Int64
    /// 1 ms to 1 day.
    public var interval: Duration
    /// Requests that may come at once after a pause, 1 and more. Default: `limit`.
    public var burst: Int64

    init(reading fields: inout FieldReader) {
        per = fields.choice("per")
        limit = fields.integer("limit", in: 1...1_000_000_000)
        interval = fields.duration("interval", in: .milliseconds(1) ... .seconds(86_400))
        burst = fields.integer("burst", in: 1...1_000_000_000, default: limit)
    }

    func write(to fields: inout FieldWriter) {
        fields.write("per", per)
        fields.write("limit", limit)
        fields.write("interval", interval)
        fields.write("burst", burst)
    }
}
