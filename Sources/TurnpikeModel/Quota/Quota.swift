// SPDX-License-Identifier: Apache-2.0

/// An integer allowance for a calendar period in the tenant's time zone.
public struct Quota: ResourceSpec {
    public static let kind = Kind.quota
    public static let plural = "quotas"
    public static let idPrefix = "quo"

    /// What is counted: requests that the gateway admitted.
    public enum Unit: String, Sendable, CaseIterable { case requests }
    public enum Period: String, Sendable, CaseIterable { case hour, day, month }
    public enum Enforcement: String, Sendable, CaseIterable {
        /// Never exceeded, by any number of workers.
        case hard
        /// Counted, let through, and marked as overage.
        case soft
    }
    /// Who shares one allowance.
    public enum Subject: String, Sendable, CaseIterable { case tenant, key }

    /// 0 and more; 0 admits nothing.
    public var limit: Int64
    public var unit: Unit
    public var period: Period
    public var enforcement: Enforcement
    /// Whether the whole tenant shares the allowance (the default) or each key has its own.
    public var per: Subject
    public var selector: RouteSelector

    public init(reading fields: inout FieldReader) {
        limit = fields.integer("limit", in: 0...1_000_000_000_000_000)
        unit = fields.choice("unit", default: .requests)
        period = fields.choice("period")
        enforcement = fields.choice("enforcement", default: .hard)
        per = fields.choice("per", default: .tenant)
        selector = RouteSelector(reading: &fields)
    }

    public func write(to fields: inout FieldWriter) {
        fields.write("limit", limit)
        fields.write("unit", unit)
        fields.write("period", period)
        fields.write("enforcement", enforcement)
        fields.write("per", per)
        selector.write(to: &fields)
    }

    public var references: [Reference] { selector.references }
}
