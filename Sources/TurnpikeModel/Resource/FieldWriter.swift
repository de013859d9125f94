// SPDX-License-Identifier: Apache-2.0

/// Writes the fields of one document, for storage or for people. Digests go to storage only.
public struct FieldWriter {
    public enum Audience: Sendable { case people, storage }

    public let audience: Audience
    public private(set) var object = JSONObject()

    public init(for audience: Audience) { self.audience = audience }

    public mutating func write(_ name: String, _ value: JSON?) {
        if let value { object.append(name, value) }
    }

    public mutating func write(_ name: String, _ value: String?) { write(name, value.map { JSON.string($0) }) }
    public mutating func write(_ name: String, _ value: Int64) { write(name, .integer(value)) }
    public mutating func write(_ name: String, _ value: Bool) { write(name, .bool(value)) }
    public mutating func write(_ name: String, _ value: Duration) { write(name, .string(value.text)) }
    public mutating func write(_ name: String, _ value: Timestamp?) { write(name, value?.description) }
    public mutating func write(_ name: String, _ value: [String]) { write(name, .array(value.map { .string($0) })) }
    public mutating func write<Choice: RawRepresentable>(_ name: String, _ value: Choice)
    where Choice.RawValue == String {
        write(name, .string(value.rawValue))
    }

    /// An object, whose fields `body` writes.
    public mutating func write(_ name: String, _ body: (inout FieldWriter) -> Void) {
        var fields = FieldWriter(for: audience)
        body(&fields)
        write(name, .object(fields.object))
    }

    /// A field that never leaves the store.
    public mutating func writeSecret(_ name: String, _ value: JSON?) {
        if audience == .storage { write(name, value) }
    }
}
