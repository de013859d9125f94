// SPDX-License-Identifier: Apache-2.0

/// Writes the fields of one document, for storage or for people: as a value, or at once as text, which costs a third of
/// making the value first. Digests go to storage only.
public struct FieldWriter {
    /// Whom a document is for.
    public enum Audience: Sendable {
        case people, storage
        /// A bundle that says it all again: what clients may write, sealed text included, and nothing that the server adds.
        case bundle
    }

    public let audience: Audience
    private let makesText: Bool
    private var object = JSONObject()
    private var text: JSONTextWriter

    private init(for audience: Audience, layout: JSONLayout?) {
        self.audience = audience
        makesText = layout != nil
        text = JSONTextWriter(layout ?? .compact)
    }

    /// The object whose fields `body` writes.
    public static func object(for audience: Audience, _ body: (inout FieldWriter) -> Void) -> JSONObject {
        var fields = FieldWriter(for: audience, layout: nil)
        body(&fields)
        return fields.object
    }

    /// The same as UTF-8 text, byte for byte what the object's own text would be.
    public static func text(
        for audience: Audience, _ layout: JSONLayout = .compact, _ body: (inout FieldWriter) -> Void
    ) -> [UInt8] {
        var fields = FieldWriter(for: audience, layout: layout)
        // What most documents have room in.
        fields.text.reserve(1024)
        fields.text.openObject()
        body(&fields)
        fields.text.closeObject()
        return fields.text.finish()
    }

    public mutating func write(_ name: String, _ value: JSON?) {
        guard let value else { return }
        guard makesText else { return object.append(name, value) }
        text.name(name)
        text.write(value)
    }

    public mutating func write(_ name: String, _ value: String?) {
        guard let value else { return }
        guard makesText else { return object.append(name, .string(value)) }
        text.name(name)
        text.write(value)
    }

    public mutating func write(_ name: String, _ value: Int64) {
        guard makesText else { return object.append(name, .integer(value)) }
        text.name(name)
        text.write(value)
    }

    public mutating func write(_ name: String, _ value: Bool) { write(name, .bool(value)) }
    public mutating func write(_ name: String, _ value: Duration) { write(name, value.text) }
    public mutating func write(_ name: String, _ value: Timestamp?) { write(name, value?.description) }
    public mutating func write(_ name: String, _ value: [String]) { write(name, .array(value.map { .string($0) })) }
    public mutating func write<Choice: RawRepresentable>(_ name: String, _ value: Choice)
    where Choice.RawValue == String {
        write(name, value.rawValue)
    }

    /// An object, whose fields `body` writes.
    public mutating func write(_ name: String, _ body: (inout FieldWriter) -> Void) {
        guard makesText else { return object.append(name, .object(FieldWriter.object(for: audience, body))) }
        text.name(name)
        text.openObject()
        body(&self)
        text.closeObject()
    }

    /// A list of objects, the fields of each of which `body` writes.
    public mutating func write<Element>(
        _ name: String, _ elements: [Element], _ body: (Element, inout FieldWriter) -> Void
    ) {
        guard makesText else {
            let objects = elements.map { element in
                JSON.object(FieldWriter.object(for: audience) { body(element, &$0) })
            }
            return object.append(name, .array(objects))
        }
        text.name(name)
        text.openArray()
        for element in elements {
            text.element()
            text.openObject()
            body(element, &self)
            text.closeObject()
        }
        text.closeArray()
    }

    /// A field that never leaves the store.
    public mutating func writeSecret(_ name: String, _ value: JSON?) {
        if audience == .storage { write(name, value) }
    }

    /// Sealed text, which is of no use but to be written back: people are not bothered with it.
    public mutating func writeSealed(_ name: String, _ value: String) {
        if audience != .people { write(name, value) }
    }
}
