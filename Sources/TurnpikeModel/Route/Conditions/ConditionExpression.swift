// SPDX-License-Identifier: Apache-2.0

/// What a route asks of a request beyond host, path and method: tests, joined by and, or and not.
///
/// `docs/conditions.md` has the grammar of the text that it is written as, and read from by ``Condition``.
public indirect enum ConditionExpression: Sendable, Hashable {
    case test(ConditionTest)
    case not(ConditionExpression)
    /// All of two or more, of which none is an `all` itself.
    case all([ConditionExpression])
    /// One of two or more, of which none is an `any` itself.
    case any([ConditionExpression])

    /// How deep parentheses may be nested.
    public static let deepestNesting = 16
    /// Tests in one text.
    public static let mostTests = 64
}

/// A condition as an operator wrote it, and what it says.
public struct Condition: Sendable, Hashable {
    /// Why a text is no condition, and where.
    public struct Fault: Error, Sendable, Hashable {
        /// Of the first byte at fault, from 1.
        public let position: Int
        /// One sentence.
        public let detail: String

        public init(position: Int, detail: String) {
            self.position = position
            self.detail = detail
        }
    }

    /// Bytes of a text.
    public static let longestText = 1024

    public let text: String
    public let expression: ConditionExpression

    public init(_ text: String) throws(Fault) {
        var parser = ConditionParser(text)
        expression = try parser.parse()
        self.text = text
    }
}

// MARK: - As text

extension ConditionExpression: CustomStringConvertible {
    /// Text that is read as this very expression.
    public var description: String {
        switch self {
        case .test(let test): test.description
        case .not(.test(let test)): test.negation ?? "!(\(test))"
        case .not(let inner): "!(\(inner))"
        case .all(let parts):
            parts.map { part in if case .any = part { "(\(part))" } else { "\(part)" } }.joined(separator: " && ")
        case .any(let parts): parts.map(\.description).joined(separator: " || ")
        }
    }
}

extension ConditionTest: CustomStringConvertible {
    public var description: String {
        switch relation {
        case .equals(let text): "\(subject) == \(Self.quoted(text))"
        case .isOneOf(let texts): "\(subject) in [\(texts.map(Self.quoted).joined(separator: ", "))]"
        case .startsWith(let text): "\(subject) startsWith \(Self.quoted(text))"
        case .endsWith(let text): "\(subject) endsWith \(Self.quoted(text))"
        case .contains(let text): "\(subject) contains \(Self.quoted(text))"
        case .matches(let pattern): "\(subject) matches \(Self.quoted(pattern))"
        case .exists: "\(subject) exists"
        case .isWithin(let ranges): "\(subject) in [\(ranges.map { "'\($0)'" }.joined(separator: ", "))]"
        }
    }

    /// Where there is an operator for the opposite.
    fileprivate var negation: String? {
        if case .equals(let text) = relation { "\(subject) != \(Self.quoted(text))" } else { nil }
    }

    /// By scalars: a quote and the mark that combines with it are one character, which is no quote.
    fileprivate static func quoted(_ text: String) -> String {
        var quoted = String.UnicodeScalarView("'".unicodeScalars)
        for scalar in text.unicodeScalars {
            if scalar == "'" { quoted.append(scalar) }
            quoted.append(scalar)
        }
        quoted.append("'")
        return String(quoted)
    }
}

extension ConditionTest.Subject: CustomStringConvertible {
    public var description: String {
        switch self {
        case .header(let name): "header(\(ConditionTest.quoted(name)))"
        case .query(let name): "query(\(ConditionTest.quoted(name)))"
        case .cookie(let name): "cookie(\(ConditionTest.quoted(name)))"
        case .method: "method"
        case .path: "path"
        case .host: "host"
        case .address: "address"
        }
    }
}
