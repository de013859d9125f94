// SPDX-License-Identifier: Apache-2.0

/// What a route asks of one header or query parameter: `{"name":"x-api-version","exact":"2"}`. Which of the two, the list
/// says that it stands in.
public struct ValueMatch: Sendable, Hashable {
    public enum Place: Sendable {
        case header, query
    }

    public enum Rule: Sendable, Hashable {
        /// The whole value, to the letter.
        case exact(String)
        case prefix(String)
        /// A ``PathExpression`` that the whole value matches.
        case regex(String)
        /// Whether it is there, be it empty. For all other rules it must be.
        case present(Bool)
    }

    /// Headers in lower case.
    public var name: String
    public var rule: Rule

    public init(name: String, rule: Rule) {
        self.name = name
        self.rule = rule
    }

    /// The same as an expression.
    public func expression(at place: Place) -> ConditionExpression {
        let subject = ConditionTest.Subject(name, at: place)
        func test(_ relation: ConditionTest.Relation) -> ConditionExpression { .test(ConditionTest(subject, relation)) }
        return switch rule {
        case .exact(let value): test(.equals(value))
        case .prefix(let value): test(.startsWith(value))
        // The empty value of one that is absent might match.
        case .regex(let pattern): .all([test(.exists), test(.matches(pattern))])
        case .present(true): test(.exists)
        case .present(false): .not(test(.exists))
        }
    }
}

extension ConditionTest.Subject {
    fileprivate init(_ name: String, at place: ValueMatch.Place) {
        self = place == .header ? .header(name) : .query(name)
    }
}

// MARK: - JSON

extension ValueMatch {
    private static let rules = ["exact", "prefix", "regex", "present"]

    public init(reading fields: inout FieldReader, at place: Place) {
        let written = fields.string("name", length: 1...128)
        name = place == .header ? written.lowercased() : written
        let subject = ConditionTest.Subject(name, at: place)
        if !written.isEmpty, let fault = ConditionTest.fault(in: subject) { fields.report("name", .format, fault) }
        let found = Self.rules.filter { fields.has($0) }
        guard let type = found.first, found.count == 1 else {
            fields.report([
                Fault(
                    fields.pointer, found.isEmpty ? .required : .conflict,
                    "Needs exactly one of 'exact', 'prefix', 'regex' and 'present'."
                )
            ])
            fields.ignore("exact", "prefix", "regex", "present")
            rule = .present(true)
            return
        }
        let value = type == "present" ? "" : fields.string(type, length: 1...(type == "regex" ? 256 : 1024))
        let relation: ConditionTest.Relation
        switch type {
        case "exact":
            rule = .exact(value)
            relation = .equals(value)
        case "prefix":
            rule = .prefix(value)
            relation = value.isEmpty ? .exists : .startsWith(value)
        case "regex":
            rule = .regex(value)
            relation = .matches(value)
        default:
            rule = .present(fields.bool("present"))
            relation = .exists
        }
        if let fault = ConditionTest(subject, relation).fault { fields.report(type, .format, fault) }
    }

    public var json: JSON {
        switch rule {
        case .exact(let value): ["name": .string(name), "exact": .string(value)]
        case .prefix(let value): ["name": .string(name), "prefix": .string(value)]
        case .regex(let value): ["name": .string(name), "regex": .string(value)]
        case .present(let isPresent): ["name": .string(name), "present": .bool(isPresent)]
        }
    }
}
