// SPDX-License-Identifier: Apache-2.0

/// One question about a request that is answered by yes or no; the leaf of a ``ConditionExpression``.
public struct ConditionTest: Sendable, Hashable {
    /// What of a request is looked at. Of a header, parameter or cookie that stands several times, the first counts; one
    /// that is absent is empty.
    public enum Subject: Sendable, Hashable {
        /// A field of the head, by its name in lower case.
        case header(String)
        /// A parameter of the query. Name and value are compared as they read once decoded (`%41`, and `+` for a space).
        case query(String)
        /// A pair of the `Cookie` fields (RFC 6265 §4.2), to the letter.
        case cookie(String)
        case method
        /// In normal form, without the query.
        case path
        /// Without port, in lower case.
        case host
        /// Whom the connection comes from.
        case address
    }

    public enum Relation: Sendable, Hashable {
        case equals(String)
        case isOneOf([String])
        case startsWith(String)
        case endsWith(String)
        case contains(String)
        /// A ``PathExpression`` that the whole value matches.
        case matches(String)
        /// It is there, be it empty. Of headers, parameters and cookies only.
        case exists
        /// Of the address only.
        case isWithin([AddressRange])
    }

    public let subject: Subject
    public let relation: Relation

    public init(_ subject: Subject, _ relation: Relation) {
        self.subject = subject
        self.relation = relation
    }
}

// MARK: - What makes sense

extension ConditionTest {
    /// Fields that carry credentials: what they hold is not to be written down in a route.
    private static let credentials: Set<String> = ["authorization", "proxy-authorization", "x-api-key"]

    /// Why the subject cannot be looked at, if so.
    static func fault(in subject: Subject) -> String? {
        switch subject {
        case .header(let name):
            return FieldName.isValid(name) && name == name.lowercased()
                ? nil : "'\(name)' must be the name of a header in lower case."
        case .query(let name):
            return (1...128).contains(name.utf8.count) ? nil : "The name of a parameter has 1 to 128 bytes."
        case .cookie(let name):
            return FieldName.isValid(name) ? nil : "'\(name)' must be the name of a cookie."
        case .method, .path, .host, .address: return nil
        }
    }

    /// Why the test can never be what was meant, if so. The subject is known to be right.
    var fault: String? {
        if case .header(let name) = subject, relation != .exists, Self.credentials.contains(name) {
            return "'\(name)' carries a credential, which no route may name; it can only be asked whether it exists."
        }
        if case .matches(let pattern) = relation {
            do { _ = try PathExpression(pattern) } catch { return "'\(pattern)' \(error)." }
        }
        switch relation {
        case .startsWith(""), .endsWith(""), .contains(""): return "Every text begins and ends with '' and contains it."
        default: break
        }
        return texts.lazy.compactMap { Self.fault(in: $0, of: subject, isWhole: isWhole) }.first
    }

    /// What a value is compared with.
    private var texts: [String] {
        switch relation {
        case .equals(let text), .startsWith(let text): [text]
        case .isOneOf(let texts): texts
        case .endsWith, .contains, .matches, .exists, .isWithin: []
        }
    }

    private var isWhole: Bool { if case .startsWith = relation { false } else { true } }

    private static func fault(in text: String, of subject: Subject, isWhole: Bool) -> String? {
        switch subject {
        case .method:
            !isWhole || RouteMatch.isMethod(text) ? nil : "'\(text)' must be an HTTP method in upper case."
        case .path: text.utf8.first == UInt8(ascii: "/") ? nil : "A path begins with '/'; '\(text)' does not."
        case .host:
            text == text.lowercased() && !text.contains(":") ? nil : "'\(text)' must be in lower case, without a port."
        case .header, .query, .cookie, .address: nil
        }
    }
}

// MARK: - In words

extension ConditionTest {
    /// What is so where the test holds, or where it does not: `the header x-tier is not 'gold'`.
    public func sentence(holds: Bool) -> String {
        func list(_ texts: [String]) -> String { texts.map { "'\($0)'" }.joined(separator: ", ") }
        let verb =
            switch relation {
            case .equals(let text): "is \(holds ? "" : "not ")'\(text)'"
            case .isOneOf(let texts): "is \(holds ? "one" : "none") of \(list(texts))"
            case .startsWith(let text): "\(holds ? "begins" : "does not begin") with '\(text)'"
            case .endsWith(let text): "\(holds ? "ends" : "does not end") with '\(text)'"
            case .contains(let text): "\(holds ? "contains" : "does not contain") '\(text)'"
            case .matches(let pattern): "\(holds ? "matches" : "does not match") '\(pattern)'"
            case .exists: "is \(holds ? "" : "not ")there"
            case .isWithin(let ranges):
                "is \(holds ? "" : "not ")within \(ranges.map(\.description).joined(separator: ", "))"
            }
        return "\(subject.noun) \(verb)"
    }
}

extension ConditionTest.Subject {
    fileprivate var noun: String {
        switch self {
        case .header(let name): "the header \(name)"
        case .query(let name): "the query parameter \(name)"
        case .cookie(let name): "the cookie \(name)"
        case .method: "the method"
        case .path: "the path"
        case .host: "the host"
        case .address: "the client's address"
        }
    }
}
