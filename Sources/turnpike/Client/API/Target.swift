// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// The path and query of a request, encoded (RFC 3986).
struct Target: Sendable, Hashable {
    private(set) var text: String

    /// A path from its segments, each taken as it is.
    init(_ segments: String..., query: [(name: String, value: String)] = []) {
        text = "/v1"
        for segment in segments { text += "/" + Target.encoded(segment) }
        append(query)
    }

    /// A target that a server gave, such as a list's `next`.
    init(encoded text: String) { self.text = text }

    /// Where a kind's resources are, or one of them.
    ///
    /// - Throws: `misused` where a tenant is needed and not given, or given and not needed.
    init(
        _ kind: Kind, tenant: String?, name: String? = nil, query: [(name: String, value: String)] = []
    ) throws(CommandFailure) {
        switch (kind.scope, tenant) {
        case (.global, nil): text = "/v1"
        case (.tenant, let tenant?): text = "/v1/tenants/\(Target.encoded(tenant))"
        case (.global, _?): throw .misused("\(kind.plural) belong to no tenant: leave --tenant out.")
        case (.tenant, nil): throw .misused("\(kind.plural) belong to a tenant: say which by --tenant.")
        }
        text += "/\(kind.plural)"
        if let name { text += "/" + Target.encoded(name) }
        append(query)
    }

    private mutating func append(_ query: [(name: String, value: String)]) {
        for (index, field) in query.enumerated() {
            text += "\(index == 0 ? "?" : "&")\(Target.encoded(field.name))=\(Target.encoded(field.value))"
        }
    }

    /// Everything but the unreserved characters as `%XX`.
    static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return result
    }
}
