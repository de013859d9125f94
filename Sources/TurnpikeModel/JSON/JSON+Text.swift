// SPDX-License-Identifier: Apache-2.0

extension JSON {
    /// The value as compact JSON text. Members keep their order, so equal values give equal texts: content hashes
    /// and stored documents rest on that.
    public var text: String { String(decoding: utf8, as: UTF8.self) }

    /// `text` as bytes.
    public var utf8: [UInt8] { bytes(.compact) }

    /// The value as text for people: one member a line, two spaces a level, a newline at the end.
    public var prettyText: String { String(decoding: bytes(.pretty), as: UTF8.self) }

    /// The value as UTF-8 text.
    public func bytes(_ layout: JSONLayout) -> [UInt8] {
        var writer = JSONTextWriter(layout)
        writer.write(self)
        return writer.finish()
    }
}

/// How JSON text is laid out.
public enum JSONLayout: Sendable {
    /// Without any white space.
    case compact
    /// One member a line, two spaces a level, a newline at the end.
    case pretty
}

/// Writes one JSON text from its beginning to its end, without a tree of it in memory.
package struct JSONTextWriter {
    private let layout: JSONLayout
    private var bytes: [UInt8] = []
    private var level = 0
    /// Whether nothing stands yet in the object or array that was opened last.
    private var isEmpty = true

    package init(_ layout: JSONLayout) { self.layout = layout }

    /// The text, and a writer as at the beginning.
    package mutating func finish() -> [UInt8] {
        if layout == .pretty { bytes.append(0x0A) }
        defer { self = JSONTextWriter(layout) }
        return bytes
    }

    /// Makes room for a text of so many bytes.
    package mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

    package mutating func openObject() { open(UInt8(ascii: "{")) }
    package mutating func closeObject() { close(UInt8(ascii: "}")) }
    package mutating func openArray() { open(UInt8(ascii: "[")) }
    package mutating func closeArray() { close(UInt8(ascii: "]")) }

    /// What stands before an array's element.
    package mutating func element() { separate() }

    /// What stands before a member's value.
    package mutating func name(_ name: String) {
        separate()
        write(name)
        bytes.append(UInt8(ascii: ":"))
        if layout == .pretty { bytes.append(UInt8(ascii: " ")) }
    }

    package mutating func write(_ value: JSON) {
        switch value {
        case .null: writeNull()
        case .bool(let bool): write(bool)
        case .integer(let integer): write(integer)
        case .number(let number): bytes += number.description.utf8
        case .string(let string): write(string)
        case .array(let elements):
            openArray()
            for element in elements {
                self.element()
                write(element)
            }
            closeArray()
        case .object(let object):
            openObject()
            for member in object.members {
                name(member.name)
                write(member.value)
            }
            closeObject()
        }
    }

    package mutating func writeNull() { bytes += "null".utf8 }

    package mutating func write(_ bool: Bool) { bytes += (bool ? "true" : "false").utf8 }

    package mutating func write(_ integer: Int64) {
        if integer < 0 { bytes.append(UInt8(ascii: "-")) }
        let start = bytes.count
        var rest = integer.magnitude
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }

    package mutating func write(_ string: String) {
        bytes.append(UInt8(ascii: "\""))
        var string = string
        string.withUTF8 { text in
            // Most texts stand for themselves and are taken as a whole.
            if text.standsForItself {
                bytes.append(contentsOf: text)
            } else {
                escape(text)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ text: UnsafeBufferPointer<UInt8>) {
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""): bytes += "\\\"".utf8
            case UInt8(ascii: "\\"): bytes += "\\\\".utf8
            case 0x0A: bytes += "\\n".utf8
            case 0x0D: bytes += "\\r".utf8
            case 0x09: bytes += "\\t".utf8
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                bytes += "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8
            default: bytes.append(byte)
            }
        }
    }

    private mutating func open(_ bracket: UInt8) {
        bytes.append(bracket)
        level += 1
        isEmpty = true
    }

    private mutating func close(_ bracket: UInt8) {
        level -= 1
        if !isEmpty { newline() }
        bytes.append(bracket)
        isEmpty = false
    }

    private mutating func separate() {
        if !isEmpty { bytes.append(UInt8(ascii: ",")) }
        isEmpty = false
        newline()
    }

    private mutating func newline() {
        guard layout == .pretty else { return }
        bytes.append(0x0A)
        bytes.append(contentsOf: repeatElement(0x20, count: 2 * level))
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Whether none of the bytes needs an escape. Without a way out of the loop, so that many are looked at at once.
    fileprivate var standsForItself: Bool {
        var escapes: UInt8 = 0
        for byte in self {
            escapes |=
                (byte < 0x20 ? 1 : 0) | (byte == UInt8(ascii: "\"") ? 1 : 0) | (byte == UInt8(ascii: "\\") ? 1 : 0)
        }
        return escapes == 0
    }
}
