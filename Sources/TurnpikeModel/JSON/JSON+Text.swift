// SPDX-License-Identifier: Apache-2.0

extension JSON {
    /// The value as compact JSON text. Members keep their order, so equal values give equal texts: content hashes
    /// and stored documents rest on that.
    public var text: String { String(decoding: utf8, as: UTF8.self) }

    /// `text` as bytes.
    public var utf8: [UInt8] {
        var writer = JSONTextWriter(indent: nil)
        writer.write(self, level: 0)
        return writer.bytes
    }

    /// The value as text for people: one member a line, two spaces a level, a newline at the end.
    public var prettyText: String {
        var writer = JSONTextWriter(indent: 2)
        writer.write(self, level: 0)
        return String(decoding: writer.bytes, as: UTF8.self) + "\n"
    }
}

private struct JSONTextWriter {
    let indent: Int?
    var bytes: [UInt8] = []

    mutating func write(_ value: JSON, level: Int) {
        switch value {
        case .null: bytes += "null".utf8
        case .bool(let bool): bytes += (bool ? "true" : "false").utf8
        case .integer(let integer): bytes += String(integer).utf8
        case .number(let number): bytes += number.description.utf8
        case .string(let string): write(string)
        case .array(let elements):
            writeList("[", elements, "]", level: level) { $0.write($1, level: level + 1) }
        case .object(let object):
            writeList("{", object.members, "}", level: level) { writer, member in
                writer.write(member.name)
                writer.bytes += (writer.indent == nil ? ":" : ": ").utf8
                writer.write(member.value, level: level + 1)
            }
        }
    }

    private mutating func writeList<Element>(
        _ open: String, _ elements: [Element], _ close: String, level: Int, _ one: (inout Self, Element) -> Void
    ) {
        bytes += open.utf8
        for (index, element) in elements.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            newline(level + 1)
            one(&self, element)
        }
        if !elements.isEmpty { newline(level) }
        bytes += close.utf8
    }

    private mutating func newline(_ level: Int) {
        guard let indent else { return }
        bytes.append(0x0A)
        bytes.append(contentsOf: repeatElement(0x20, count: indent * level))
    }

    private mutating func write(_ string: String) {
        bytes.append(UInt8(ascii: "\""))
        var string = string
        string.withUTF8 { text in
            // Most texts stand for themselves and are taken as a whole.
            if text.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
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
}
