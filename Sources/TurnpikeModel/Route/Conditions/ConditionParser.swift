// SPDX-License-Identifier: Apache-2.0

/// Reads the text of a condition and checks its types, in one pass and with bounded depth.
///
/// ```
/// condition = all *( "||" all )
/// all       = part *( "&&" part )
/// part      = [ "!" ] "(" condition ")" / test
/// test      = value ( "==" / "!=" / "startsWith" / "endsWith" / "contains" / "matches" ) text
///           / value "in" "[" text *( "," text ) "]"
///           / named "exists"
/// value     = named / "method" / "path" / "host" / "address"
/// named     = ( "header" / "query" / "cookie" ) "(" text ")"
/// text      = "'" *( any character but "'" / "''" ) "'"
/// ```
struct ConditionParser {
    private let bytes: [UInt8]
    private var offset = 0
    private var depth = 0
    private var testCount = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    mutating func parse() throws(Condition.Fault) -> ConditionExpression {
        guard bytes.count <= Condition.longestText else {
            throw fault("A condition has at most \(Condition.longestText) bytes.", at: Condition.longestText)
        }
        let expression = try alternatives()
        guard offset == bytes.count else { throw fault("Expected '&&', '||' or the end.") }
        return expression
    }

    // MARK: - Structure

    private mutating func alternatives() throws(Condition.Fault) -> ConditionExpression {
        var parts = [try conjunction()]
        while take("||") { parts.append(try conjunction()) }
        guard parts.count > 1 else { return parts[0] }
        return .any(
            parts.flatMap { part -> [ConditionExpression] in if case .any(let inner) = part { inner } else { [part] } })
    }

    private mutating func conjunction() throws(Condition.Fault) -> ConditionExpression {
        var parts = [try part()]
        while take("&&") { parts.append(try part()) }
        guard parts.count > 1 else { return parts[0] }
        return .all(
            parts.flatMap { part -> [ConditionExpression] in if case .all(let inner) = part { inner } else { [part] } })
    }

    private mutating func part() throws(Condition.Fault) -> ConditionExpression {
        let isNegated = take("!")
        skipSpace()
        guard take("(") else {
            if isNegated { throw fault("'!' stands before parentheses only: !(…).") }
            return try test()
        }
        depth += 1
        guard depth <= ConditionExpression.deepestNesting else {
            throw fault("Parentheses are nested deeper than \(ConditionExpression.deepestNesting).", at: offset - 1)
        }
        let inner = try alternatives()
        guard take(")") else { throw fault("Expected ')'.") }
        depth -= 1
        return isNegated ? .not(inner) : inner
    }

    // MARK: - Tests

    private mutating func test() throws(Condition.Fault) -> ConditionExpression {
        skipSpace()
        let start = offset
        let subject = try self.subject()
        if let wrong = ConditionTest.fault(in: subject) { throw fault(wrong, at: start) }
        testCount += 1
        guard testCount <= ConditionExpression.mostTests else {
            throw fault("A condition has at most \(ConditionExpression.mostTests) tests.", at: start)
        }
        skipSpace()
        let operatorStart = offset
        let (relation, isNegated) = try self.relation(of: subject)
        let test = ConditionTest(subject, relation)
        if let wrong = test.fault { throw fault(wrong, at: operatorStart) }
        return isNegated ? .not(.test(test)) : .test(test)
    }

    private mutating func subject() throws(Condition.Fault) -> ConditionTest.Subject {
        let start = offset
        switch word() {
        case "header": return .header(try name().lowercased())
        case "query": return .query(try name())
        case "cookie": return .cookie(try name())
        case "method": return .method
        case "path": return .path
        case "host": return .host
        case "address": return .address
        default:
            throw fault(
                "Expected 'header(…)', 'query(…)', 'cookie(…)', 'method', 'path', 'host', 'address' or '('.", at: start)
        }
    }

    private mutating func name() throws(Condition.Fault) -> String {
        guard take("(") else { throw fault("Expected '(' and a name.") }
        let name = try text()
        guard take(")") else { throw fault("Expected ')'.") }
        return name
    }

    private mutating func relation(
        of subject: ConditionTest.Subject
    ) throws(Condition.Fault) -> (relation: ConditionTest.Relation, isNegated: Bool) {
        skipSpace()
        let start = offset
        if subject == .address {
            guard word() == "in" else {
                throw fault("An address is no text: it is tested by 'in' and a list of ranges.", at: start)
            }
            return (.isWithin(try ranges()), false)
        }
        if take("==") { return (.equals(try text()), false) }
        if take("!=") { return (.equals(try text()), true) }
        switch word() {
        case "in": return (.isOneOf(try texts().map { $0.text }), false)
        case "startsWith": return (.startsWith(try text()), false)
        case "endsWith": return (.endsWith(try text()), false)
        case "contains": return (.contains(try text()), false)
        case "matches": return (.matches(try text()), false)
        case "exists":
            switch subject {
            case .header, .query, .cookie: return (.exists, false)
            case .method, .path, .host, .address: throw fault("'\(subject)' is always there.", at: start)
            }
        default:
            throw fault(
                "'\(subject)' is a text, not true or false. "
                    + "Expected '==', '!=', 'in', 'startsWith', 'endsWith', 'contains', 'matches' or 'exists'.",
                at: start)
        }
    }

    private mutating func ranges() throws(Condition.Fault) -> [AddressRange] {
        var ranges: [AddressRange] = []
        for (position, text) in try texts() {
            guard let range = AddressRange(text) else {
                throw fault("'\(text)' is no range of addresses such as '10.0.0.0/8'.", at: position)
            }
            ranges.append(range)
        }
        return ranges
    }

    private mutating func texts() throws(Condition.Fault) -> [(position: Int, text: String)] {
        guard take("[") else { throw fault("'in' needs a list: ['…', '…'].") }
        var texts: [(position: Int, text: String)] = []
        repeat {
            skipSpace()
            texts.append((offset, try text()))
        } while take(",")
        guard take("]") else { throw fault("Expected ',' or ']'.") }
        return texts
    }

    // MARK: - Bytes

    private mutating func text() throws(Condition.Fault) -> String {
        skipSpace()
        let start = offset
        guard take("'") else { throw fault("Expected a text in single quotes.") }
        var content: [UInt8] = []
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            if byte == UInt8(ascii: "'") {
                guard offset < bytes.count, bytes[offset] == byte else {
                    return String(decoding: content, as: UTF8.self)
                }
                offset += 1
            }
            content.append(byte)
        }
        throw fault("The text that begins here has no end.", at: start)
    }

    /// Letters; empty where there are none.
    private mutating func word() -> String {
        skipSpace()
        let letters = bytes[offset...].prefix { 0x41...0x5A ~= $0 || 0x61...0x7A ~= $0 }
        offset += letters.count
        return String(decoding: letters, as: UTF8.self)
    }

    private mutating func take(_ token: StaticString) -> Bool {
        skipSpace()
        let wanted = UnsafeBufferPointer(start: token.utf8Start, count: token.utf8CodeUnitCount)
        guard bytes[offset...].starts(with: wanted) else { return false }
        offset += wanted.count
        return true
    }

    private mutating func skipSpace() {
        while offset < bytes.count, bytes[offset] == 0x20 { offset += 1 }
    }

    private func fault(_ detail: String, at position: Int? = nil) -> Condition.Fault {
        Condition.Fault(position: (position ?? offset) + 1, detail: detail)
    }
}
