// SPDX-License-Identifier: Apache-2.0

/// A service that gets copies of a route's requests, and whose answers nobody sees: `{"service":"shadow","percent":10}`.
public struct Mirror: Sendable, Hashable {
    /// Mirrors of one route.
    public static let most = 4

    /// Name of a service of the same tenant.
    public var service: String
    /// Of the requests, how many are copied, by lot. 1 to 100, default 100.
    public var percent: Int

    public init(service: String, percent: Int = 100) {
        self.service = service
        self.percent = percent
    }

    public init(reading fields: inout FieldReader) {
        service = fields.name("service")
        percent = Int(fields.integer("percent", in: 1...100, default: 100))
    }

    public var json: JSON { ["service": .string(service), "percent": .integer(Int64(percent))] }
}

extension FieldReader {
    /// None where the field is absent.
    mutating func mirrors() -> [Mirror] {
        guard has("mirror") else {
            ignore("mirror")
            return []
        }
        let mirrors = list("mirror", count: 1...Mirror.most) { Mirror(reading: &$0) }
        if Set(mirrors.map(\.service)).count != mirrors.count {
            report("mirror", .unique, "Each service may stand here once.")
        }
        return mirrors
    }
}
