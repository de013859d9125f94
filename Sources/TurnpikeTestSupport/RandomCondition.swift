// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

extension ConditionExpression {
    /// Some expression in the form that the parser gives, over few names and values, so that requests meet it by chance.
    public static func random(depth: Int = 3, using random: inout some RandomNumberGenerator) -> ConditionExpression {
        guard depth > 0, Int.random(in: 0..<3, using: &random) > 0 else {
            return .test(.random(using: &random))
        }
        let count = Int.random(in: 2...3, using: &random)
        var parts: [ConditionExpression] = []
        for _ in 0..<count { parts.append(.random(depth: depth - 1, using: &random)) }
        switch Int.random(in: 0..<3, using: &random) {
        case 0: return .not(parts[0])
        case 1:
            return .all(
                parts.flatMap { part -> [ConditionExpression] in
                    if case .all(let inner) = part { inner } else { [part] }
                })
        default:
            return .any(
                parts.flatMap { part -> [ConditionExpression] in
                    if case .any(let inner) = part { inner } else { [part] }
                })
        }
    }
}

extension ConditionTest {
    /// Values that make sense for headers, parameters and cookies.
    public static let someValues = ["", "a", "ab", "b a", "it's", "&+%", "ba", "\u{E9}"]

    public static func random(using random: inout some RandomNumberGenerator) -> ConditionTest {
        let named: [Subject] = [.header("x-a"), .header("x-b"), .query("q"), .query("r s"), .cookie("c"), .cookie("d")]
        switch Int.random(in: 0..<10, using: &random) {
        case 0: return one(.method, ["GET", "HEAD", "POST", "PURGE"], &random)
        case 1: return one(.path, ["/", "/a", "/a/b", "/b"], &random)
        case 2: return one(.host, ["a.test", "b.a.test", "a"], &random)
        case 3:
            let ranges = ["10.0.0.0/8", "10.1.2.3/32", "192.0.2.0/24", "2001:db8::/32", "::/0", "0.0.0.0/0"]
            let count = Int.random(in: 1...2, using: &random)
            return ConditionTest(
                .address, .isWithin(ranges.shuffled(using: &random).prefix(count).compactMap(AddressRange.init)))
        default:
            let subject = named[Int.random(in: 0..<named.count, using: &random)]
            return Int.random(in: 0..<5, using: &random) == 0
                ? ConditionTest(subject, .exists) : one(subject, someValues, &random)
        }
    }

    private static func one(
        _ subject: Subject, _ values: [String], _ random: inout some RandomNumberGenerator
    ) -> ConditionTest {
        let value = values[Int.random(in: 0..<values.count, using: &random)]
        // Parts of texts are never empty, and expressions are ASCII.
        let part = value.isEmpty ? values[1] : value
        let patterns = ["[ab]+", ".*a", "/a(/b)?", "(GET|PUT)", "a?"]
        return switch Int.random(in: 0..<6, using: &random) {
        case 0, 1: ConditionTest(subject, .equals(value))
        case 2: ConditionTest(subject, .isOneOf(Array(values.shuffled(using: &random).prefix(2))))
        case 3: ConditionTest(subject, .startsWith(part))
        case 4: ConditionTest(subject, Bool.random(using: &random) ? .endsWith(part) : .contains(part))
        default: ConditionTest(subject, .matches(patterns[Int.random(in: 0..<patterns.count, using: &random)]))
        }
    }
}
