// SPDX-License-Identifier: Apache-2.0

/// A customer of the operator: the root under which all else is scoped.
public struct Tenant: ResourceSpec {
    public static let kind = Kind.tenant
    public static let plural = "tenants"
    public static let idPrefix = "ten"
    public static let scope = Kind.Scope.global

    /// For people; up to 200 characters.
    public var displayName: String
    /// IANA name of the zone in whose calendar the tenant's quotas and invoices run. Default `UTC`.
    public var timeZone: String

    public init(reading fields: inout FieldReader) {
        displayName = fields.string("displayName", length: 0...200, default: "")
        timeZone = fields.string("timeZone", length: 1...64, default: "UTC")
    }

    public func write(to fields: inout FieldWriter) {
        fields.write("displayName", displayName)
        fields.write("timeZone", timeZone)
    }
}
