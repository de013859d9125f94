// SPDX-License-Identifier: Apache-2.0

/// A set of ASCII characters: all that a normal path is made of.
struct CharacterSet128: Sendable, Equatable {
    private(set) var low: UInt64 = 0
    private(set) var high: UInt64 = 0

    static let all = CharacterSet128().inverted
    static let digits = CharacterSet128(0x30...0x39)
    static let word = digits.union(CharacterSet128(0x41...0x5A)).union(CharacterSet128(0x61...0x7A))
        .union(CharacterSet128(0x5F...0x5F))
    static let space = CharacterSet128(0x09...0x0D).union(CharacterSet128(0x20...0x20))

    init() {}

    init(_ range: ClosedRange<UInt8>) {
        for byte in range {
            if byte < 64 { low |= 1 << UInt64(byte) } else { high |= 1 << UInt64(byte & 63) }
        }
    }

    var inverted: CharacterSet128 {
        var result = self
        result.low = ~low
        result.high = ~high
        return result
    }

    func union(_ other: CharacterSet128) -> CharacterSet128 {
        var result = self
        result.low |= other.low
        result.high |= other.high
        return result
    }

    func contains(_ byte: UInt8) -> Bool { (byte < 64 ? low : high) >> UInt64(byte & 63) & 1 == 1 }
}

/// The syntax tree of a path expression, and the parser that makes it.
indirect enum PathExpressionSyntax: Equatable {
    case characters(CharacterSet128)
    case sequence([PathExpressionSyntax])
    case alternatives([PathExpressionSyntax])
    case repeated(PathExpressionSyntax, atLeast: Int, atMost: Int?)

    /// Bounds the parser's recursion.
    static let deepestNesting = 32
    /// Bytes of a pattern.
    static let longestPattern = 256

    static func parse(_ pattern: String) throws(PathExpression.Fault) -> PathExpressionSyntax {
        guard pattern.utf8.count <= longestPattern else { throw .tooLong }
        guard pattern.utf8.allSatisfy({ 0x20...0x7E ~= $0 }) else { throw .notASCII }
        var parser = Parser(pattern)
        return try parser.parse()
    }
}

private struct Parser {
    private var rest: ArraySlice<UInt8>
    private var depth = 0

    init(_ pattern: String) {
        // The whole path is matched in any case, so outer anchors say nothing.
        var bytes = Array(pattern.utf8)[...]
        if bytes.first == UInt8(ascii: "^") { bytes = bytes.dropFirst() }
        if bytes.last == UInt8(ascii: "$"), bytes.dropLast().last != UInt8(ascii: "\\") { bytes = bytes.dropLast() }
        rest = bytes
    }

    mutating func parse() throws(PathExpression.Fault) -> PathExpressionSyntax {
        let syntax = try alternatives()
        guard rest.isEmpty else { throw .unbalancedGroup }
        return syntax
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest = rest.dropFirst()
        return true
    }

    private mutating func alternatives() throws(PathExpression.Fault) -> PathExpressionSyntax {
        var all = [try sequence()]
        while take("|") { all.append(try sequence()) }
        return all.count == 1 ? all[0] : .alternatives(all)
    }

    private mutating func sequence() throws(PathExpression.Fault) -> PathExpressionSyntax {
        var parts: [PathExpressionSyntax] = []
        while let next = rest.first, next != UInt8(ascii: "|"), next != UInt8(ascii: ")") {
            parts.append(try repetition(of: try atom()))
        }
        return .sequence(parts)
    }

    private mutating func repetition(
        of syntax: PathExpressionSyntax
    ) throws(PathExpression.Fault) -> PathExpressionSyntax {
        let repeated: PathExpressionSyntax
        if take("*") {
            repeated = .repeated(syntax, atLeast: 0, atMost: nil)
        } else if take("+") {
            repeated = .repeated(syntax, atLeast: 1, atMost: nil)
        } else if take("?") {
            repeated = .repeated(syntax, atLeast: 0, atMost: 1)
        } else if take("{") {
            repeated = try counted(syntax)
        } else {
            return syntax
        }
        // Reluctant or not makes no difference where the whole path must match.
        _ = take("?")
        if let next = rest.first, "*+?{".utf8.contains(next) { throw .badRepetition }
        return repeated
    }

    private mutating func counted(_ syntax: PathExpressionSyntax) throws(PathExpression.Fault) -> PathExpressionSyntax {
        guard let least = number() else { throw .badRepetition }
        var most: Int? = least
        if take(",") { most = number() }
        guard take("}"), most.map({ $0 >= least }) ?? true else { throw .badRepetition }
        return .repeated(syntax, atLeast: least, atMost: most)
    }

    /// At most three digits: more could not be held anyway.
    private mutating func number() -> Int? {
        let digits = rest.prefix(3).prefix { (0x30...0x39).contains($0) }
        rest = rest.dropFirst(digits.count)
        return Int(String(decoding: digits, as: UTF8.self))
    }

    private mutating func atom() throws(PathExpression.Fault) -> PathExpressionSyntax {
        guard let byte = rest.popFirst() else { throw .unbalancedGroup }
        switch Unicode.Scalar(byte) {
        case "(": return try group()
        case "[": return .characters(try characterClass())
        case ".": return .characters(.all)
        case "\\": return .characters(try escape())
        case "*", "+", "?", "{", "}", "]": throw .badRepetition
        case "^", "$": throw .unsupported("an anchor within the pattern")
        default: return .characters(CharacterSet128(byte...byte))
        }
    }

    private mutating func group() throws(PathExpression.Fault) -> PathExpressionSyntax {
        depth += 1
        guard depth <= PathExpressionSyntax.deepestNesting else { throw .tooComplex }
        if take("?") {
            if !take(":") { try groupName() }
        }
        let inner = try alternatives()
        guard take(")") else { throw .unbalancedGroup }
        depth -= 1
        return inner
    }

    /// `(?<name>`; what is captured is not used, but such patterns are common.
    private mutating func groupName() throws(PathExpression.Fault) {
        _ = take("P")
        guard take("<"), let first = rest.first, CharacterSet128.word.contains(first) else {
            throw .unsupported("look-around or flags")
        }
        rest = rest.drop { CharacterSet128.word.contains($0) }
        guard take(">") else { throw .unbalancedGroup }
    }

    private mutating func characterClass() throws(PathExpression.Fault) -> CharacterSet128 {
        let isNegated = take("^")
        var set = CharacterSet128()
        var isFirst = true
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "]"), !isFirst { return isNegated ? set.inverted : set }
            isFirst = false
            if byte == UInt8(ascii: "[") { throw .unsupported("a class within a class") }
            if byte == UInt8(ascii: "\\") {
                set = set.union(try escape())
                continue
            }
            set = set.union(try range(from: byte))
        }
        throw .unbalancedGroup
    }

    private mutating func range(from start: UInt8) throws(PathExpression.Fault) -> CharacterSet128 {
        guard rest.first == UInt8(ascii: "-"), let end = rest.dropFirst().first, end != UInt8(ascii: "]") else {
            return CharacterSet128(start...start)
        }
        guard end >= start, end != UInt8(ascii: "\\"), end != UInt8(ascii: "[") else { throw .badRange }
        rest = rest.dropFirst(2)
        return CharacterSet128(start...end)
    }

    private mutating func escape() throws(PathExpression.Fault) -> CharacterSet128 {
        guard let byte = rest.popFirst() else { throw .unbalancedGroup }
        switch Unicode.Scalar(byte) {
        case "d": return .digits
        case "D": return CharacterSet128.digits.inverted
        case "w": return .word
        case "W": return CharacterSet128.word.inverted
        case "s": return .space
        case "S": return CharacterSet128.space.inverted
        default:
            guard !CharacterSet128.word.contains(byte) else {
                throw .unsupported("\\\(Unicode.Scalar(byte))")
            }
            return CharacterSet128(byte...byte)
        }
    }
}
