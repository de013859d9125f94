// SPDX-License-Identifier: Apache-2.0

/// By what requests are told apart that a route sends to the same backend each time: `{"header":"x-user"}` or
/// `{"cookie":"ab","ttl":"1h"}`.
public struct Stickiness: Sendable, Hashable {
    public enum Key: Sendable, Hashable {
        /// By its name in lower case. Requests without it are shared out by weight.
        case header(String)
        /// The gateway sets it where it is missing. Without a lifetime it lasts as long as the browser is open.
        case cookie(String, lifetime: Duration?)
    }

    public var key: Key

    public init(_ key: Key) { self.key = key }

    public init(reading fields: inout FieldReader) {
        let (hasHeader, hasCookie) = (fields.has("header"), fields.has("cookie"))
        if hasHeader == hasCookie {
            fields.report([
                Fault(
                    fields.pointer, hasHeader ? .conflict : .required, "Needs exactly one of 'header' and 'cookie'.")
            ])
        }
        guard hasCookie else {
            let name = hasHeader ? fields.string("header", length: 1...128).lowercased() : ""
            if !name.isEmpty, !FieldName.isValid(name) {
                fields.report("header", .format, "'\(name)' must be the name of a header.")
            }
            fields.ignore("header", "cookie")
            key = .header(name)
            return
        }
        fields.ignore("header")
        let name = fields.string("cookie", length: 1...128)
        if !name.isEmpty, !FieldName.isValid(name) {
            fields.report("cookie", .format, "'\(name)' must be the name of a cookie.")
        }
        let hasLifetime = fields.has("ttl")
        let lifetime = hasLifetime ? fields.duration("ttl", in: .seconds(1)...(.seconds(400 * 86_400))) : nil
        if !hasLifetime { fields.ignore("ttl") }
        key = .cookie(name, lifetime: lifetime)
    }

    public var json: JSON {
        switch key {
        case .header(let name): ["header": .string(name)]
        case .cookie(let name, let lifetime):
            .object(JSONObject(["cookie": .string(name), "ttl": lifetime.map { .string($0.text) }]))
        }
    }
}
