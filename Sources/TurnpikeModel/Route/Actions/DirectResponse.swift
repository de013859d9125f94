// SPDX-License-Identifier: Apache-2.0

/// An answer that the gateway gives itself: `{"status":200,"contentType":"application/json","body":"{}"}`.
public struct DirectResponse: Sendable, Hashable {
    /// Bytes of a body.
    public static let largestBody = 16 << 10

    /// 200 to 599. Default 200.
    public var status: Int
    /// Default `text/plain; charset=utf-8`; not sent where there is no body.
    public var contentType: String
    /// At most 16 KiB; default empty. Answers of status 204 and 304 have none.
    public var body: String

    public init(status: Int, contentType: String, body: String) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    public init(reading fields: inout FieldReader) {
        status = Int(fields.integer("status", in: 200...599, default: 200))
        contentType = fields.string("contentType", length: 3...255, default: "text/plain; charset=utf-8")
        if !contentType.contains("/") || !contentType.utf8.allSatisfy({ 0x20...0x7E ~= $0 }) {
            fields.report("contentType", .format, "'contentType' must be a media type such as \"application/json\".")
        }
        body = fields.content("body", atMost: Self.largestBody)
        if !body.isEmpty, status == 204 || status == 304 {
            fields.report("body", .conflict, "An answer of status \(status) has no body.")
        }
    }

    public var json: JSON {
        .object(
            JSONObject([
                "status": .integer(Int64(status)), "contentType": .string(contentType),
                "body": body.isEmpty ? nil : .string(body),
            ]))
    }
}

extension FieldReader {
    /// Text of any characters, bounded in bytes. Empty where it is absent.
    fileprivate mutating func content(_ name: String, atMost bound: Int) -> String {
        guard let value = take(name) else { return "" }
        guard let text = value.string else {
            report(name, .type, "'\(name)' must be a string, not \(value.typeName).")
            return ""
        }
        if text.utf8.count > bound { report(name, .length, "'\(name)' must have at most \(bound) bytes.") }
        return text
    }
}
