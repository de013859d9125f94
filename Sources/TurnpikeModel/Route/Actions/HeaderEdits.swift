// SPDX-License-Identifier: Apache-2.0

/// Changes to the fields of heads that pass through: `{"set":{"x-env":"prod"},"remove":["server"]}`.
public struct HeaderEdits: Sendable, Hashable {
    public struct Field: Sendable, Hashable {
        /// In lower case.
        public var name: String
        public var value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Fields in either list.
    public static let mostFields = 32

    /// Put in the place of all fields of the same name.
    public var set: [Field]
    /// Names, in lower case.
    public var remove: [String]

    public init(set: [Field] = [], remove: [String] = []) {
        self.set = set
        self.remove = remove
    }

    public var isEmpty: Bool { remove.isEmpty && set.isEmpty }

    public init(reading fields: inout FieldReader) {
        set = fields.texts("set", count: 0...Self.mostFields, length: 0...1024, check: Self.fault)
            .map { Field(name: $0.name.lowercased(), value: $0.value) }
        remove = fields.strings("remove", count: 0...Self.mostFields, check: Self.fault).map { $0.lowercased() }
        let names = set.map(\.name) + remove
        if Set(names).count != names.count {
            fields.report([Fault(fields.pointer, .unique, "Each header may stand here once, in whichever case.")])
        }
        for field in set where field.value.utf8.first == 0x20 || field.value.utf8.last == 0x20 {
            fields.report("set", .format, "The value of '\(field.name)' must neither begin nor end with a space.")
        }
    }

    public var json: JSON {
        var values = JSONObject()
        for field in set { values.append(field.name, .string(field.value)) }
        return .object(
            JSONObject([
                "set": set.isEmpty ? nil : .object(values),
                "remove": remove.isEmpty ? nil : .array(remove.map { .string($0) }),
            ]))
    }

    /// What messages rest upon, and what the gateway answers for.
    private static let reserved: Set<String> = [
        "host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "keep-alive", "expect",
        "proxy-connection", "proxy-authenticate", "proxy-authorization", "x-request-id", "traceparent", "tracestate",
        "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "authorization", "x-api-key", "turnpike-mirror",
        "turnpike-debug",
    ]

    private static func fault(in name: String) -> String? {
        guard FieldName.isValid(name) else { return "'\(name)' must be the name of a header." }
        return reserved.contains(name.lowercased()) ? "'\(name)' is the gateway's own to write." : nil
    }
}
