// SPDX-License-Identifier: Apache-2.0

/// Why a text is not acceptable JSON, and at which byte.
public struct JSONSyntaxError: Error, Sendable, Hashable, CustomStringConvertible {
    public var reason: String
    /// Offset of the offending byte from the start of the text.
    public var offset: Int

    public var description: String { "\(reason) at byte \(offset)" }
}

/// What a parser will take before it refuses, so that no text can exhaust memory or the stack.
public struct JSONLimits: Sendable {
    /// Levels of arrays and objects within one another.
    public var depth = 64
    /// Members of one object.
    public var members = 4_096

    public init() {}
}

extension JSON {
    /// Parses one JSON text (RFC 8259), strictly: UTF-8 only, nothing behind the value, no duplicate names, no lone
    /// surrogates, numbers finite. An integer that fits 64 bits stays exact.
    public static func parse(
        _ text: some Sequence<UInt8>, limits: JSONLimits = JSONLimits()
    ) throws(JSONSyntaxError)
        -> JSON
    {
        var parser = JSONParser(bytes: Array(text), limits: limits)
        return try parser.parseText()
    }

    public static func parse(_ text: String, limits: JSONLimits = JSONLimits()) throws(JSONSyntaxError) -> JSON {
        try parse(text.utf8, limits: limits)
    }
}

/// A recursive descent over bytes; depth is bounded by `JSONLimits.depth`.
struct JSONParser {
    private let bytes: [UInt8]
    private let limits: JSONLimits
    private var position = 0
    private var depth = 0

    init(bytes: [UInt8], limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    mutating func parseText() throws(JSONSyntaxError) -> JSON {
        skipSpace()
        let value = try parseValue()
        skipSpace()
        guard position == bytes.count else { throw fault("unexpected text behind the value") }
        return value
    }

    private func fault(_ reason: String) -> JSONSyntaxError { JSONSyntaxError(reason: reason, offset: position) }

    private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        position += 1
        return true
    }

    private mutating func parseValue() throws(JSONSyntaxError) -> JSON {
        guard let byte = peek() else { throw fault("unexpected end of text") }
        switch byte {
        case UInt8(ascii: "{"): return try nested { parser throws(JSONSyntaxError) in try parser.parseObject() }
        case UInt8(ascii: "["): return try nested { parser throws(JSONSyntaxError) in try parser.parseArray() }
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
        case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
        case UInt8(ascii: "n"): return try parseWord("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
        default: throw fault("unexpected character")
        }
    }

    private mutating func nested(
        _ parse: (inout JSONParser) throws(JSONSyntaxError) -> JSON
    ) throws(JSONSyntaxError) -> JSON {
        depth += 1
        guard depth <= limits.depth else { throw fault("nested more than \(limits.depth) levels deep") }
        position += 1
        let value = try parse(&self)
        depth -= 1
        return value
    }

    private mutating func parseWord(_ word: StaticString, _ value: JSON) throws(JSONSyntaxError) -> JSON {
        for index in 0..<word.utf8CodeUnitCount {
            let expected = word.withUTF8Buffer { $0[index] }
            guard take(expected) else { throw fault("unexpected character") }
        }
        return value
    }

    private mutating func parseArray() throws(JSONSyntaxError) -> JSON {
        var elements: [JSON] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array(elements) }
        while true {
            skipSpace()
            elements.append(try parseValue())
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(elements) }
            guard take(UInt8(ascii: ",")) else { throw fault("expected ',' or ']'") }
        }
    }

    private static let fewMembers = 16

    private mutating func parseObject() throws(JSONSyntaxError) -> JSON {
        var members: [JSONObject.Member] = []
        /// Of an object with many members: where there are few, comparing their names costs less than hashing them.
        var seen: Set<String> = []
        var marks: UInt64 = 0
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object(JSONObject()) }
        members.reserveCapacity(Self.fewMembers / 4)
        while true {
            skipSpace()
            guard peek() == UInt8(ascii: "\"") else { throw fault("expected a member name") }
            let start = position
            let name = try parseString()
            if members.count == Self.fewMembers { seen = Set(members.map(\.name)) }
            let mark = mark(start..<position)
            let isNew =
                members.count < Self.fewMembers
                ? marks & mark == 0 || !members.contains { $0.name == name } : seen.insert(name).inserted
            marks |= mark
            guard isNew else { throw JSONSyntaxError(reason: "member name stands twice", offset: start) }
            guard members.count < limits.members else { throw fault("more than \(limits.members) members") }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw fault("expected ':'") }
            skipSpace()
            members.append(JSONObject.Member(name: name, value: try parseValue()))
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(JSONObject(unique: members)) }
            guard take(UInt8(ascii: ",")) else { throw fault("expected ',' or '}'") }
        }
    }

    /// A bit of 64 that equal names share, so that most names need not be compared to be told apart. All of them for a name
    /// that may be written in several ways.
    private func mark(_ range: Range<Int>) -> UInt64 {
        var sum: UInt8 = 0
        for byte in bytes[range] {
            guard byte < 0x80, byte != UInt8(ascii: "\\") else { return .max }
            sum = sum &* 31 &+ byte
        }
        return 1 << UInt64(sum & 63)
    }

    private mutating func parseNumber() throws(JSONSyntaxError) -> JSON {
        let start = position
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try skipDigits() }
        var isInteger = true
        if take(UInt8(ascii: ".")) {
            isInteger = false
            try skipDigits()
        }
        if peek() == UInt8(ascii: "e") || peek() == UInt8(ascii: "E") {
            isInteger = false
            position += 1
            if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { position += 1 }
            try skipDigits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, let integer = Int64(text) { return .integer(integer) }
        guard let number = Double(text), number.isFinite else {
            throw JSONSyntaxError(reason: "number out of range", offset: start)
        }
        return .number(number)
    }

    private mutating func skipDigits() throws(JSONSyntaxError) {
        let start = position
        while let byte = peek(), byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
        guard position > start else { throw fault("expected a digit") }
    }
}

extension JSONParser {
    private mutating func parseString() throws(JSONSyntaxError) -> String {
        position += 1
        let start = position
        // Most strings carry no escape: they are taken as one run.
        var bits: UInt8 = 0
        while let byte = peek(), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
            bits |= byte
            position += 1
        }
        // ASCII is UTF-8 in any case; validating the rest costs several times as much as taking it.
        var text =
            bits < 0x80 ? String(decoding: bytes[start..<position], as: UTF8.self) : try utf8(start..<position)
        while true {
            guard let byte = peek() else { throw fault("string without end") }
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return text
            case UInt8(ascii: "\\"): text.unicodeScalars.append(try parseEscape())
            case 0..<0x20:
                position -= 1
                throw fault("control character in a string")
            default:
                let run = position - 1
                while let next = peek(), next != UInt8(ascii: "\""), next != UInt8(ascii: "\\"), next >= 0x20 {
                    position += 1
                }
                text += try utf8(run..<position)
            }
        }
    }

    private func utf8(_ range: Range<Int>) throws(JSONSyntaxError) -> String {
        guard let text = String(validating: bytes[range], as: UTF8.self) else {
            throw JSONSyntaxError(reason: "invalid UTF-8", offset: range.lowerBound)
        }
        return text
    }

    private mutating func parseEscape() throws(JSONSyntaxError) -> Unicode.Scalar {
        guard let byte = peek() else { throw fault("string without end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try parseUnicodeEscape()
        default:
            position -= 1
            throw fault("unknown escape")
        }
    }

    private mutating func parseUnicodeEscape() throws(JSONSyntaxError) -> Unicode.Scalar {
        let high = try parseHexDigits()
        if let scalar = Unicode.Scalar(high) { return scalar }
        guard high < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw fault("lone surrogate") }
        let low = try parseHexDigits()
        guard (0xDC00...0xDFFF).contains(low),
            let scalar = Unicode.Scalar(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
        else { throw fault("lone surrogate") }
        return scalar
    }

    private mutating func parseHexDigits() throws(JSONSyntaxError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw fault("expected four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
