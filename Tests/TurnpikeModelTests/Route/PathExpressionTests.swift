// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeTestSupport

@Suite struct PathExpressionTests {
    @Test(
        arguments: [
            ("/v[0-9]+/users/[^/]+", "/v12/users/x-y", "/v/users/x"), ("^/a$", "/a", "/aa"), ("/a.c", "/abc", "/ac"),
            ("/(a|bc)+", "/abcbca", "/acb"), ("/(?:x)?y", "/y", "/xx"), ("/(?<id>\\d{2,3})", "/12", "/1"),
            ("/\\d{2}", "/12", "/123"), ("/\\d{2,}", "/12345", "/1"), ("/a{0}b", "/b", "/ab"),
            ("/\\w+\\.json", "/a_1.json", "/a_1xjson"),
            ("/[^a-c\\d]+", "/xyz", "/xa"), ("/[]a]", "/]", "/b"), ("/[a-]", "/-", "/b"), ("/[\\]\\-]+", "/]-", "/a"),
            ("/(a|)b", "/b", "/aab"), ("(/[a-z]+)*?", "/a/bc", "/a/"), ("/\\$x", "/$x", "/x"), ("/a\\$", "/a$", "/a"),
            ("/\\S\\D\\W", "/ab.", "/a1."), (".*", "/anything", nil), ("/(((a)))", "/a", "/b"),
        ] as [(String, String, String?)])
    func `an expression matches whole paths`(pattern: String, path: String, other: String?) throws {
        let expression = try PathExpression(pattern)
        #expect(expression.matches(path))
        if let other { #expect(!expression.matches(other)) }
    }

    @Test(arguments: [
        ("(", PathExpression.Fault.unbalancedGroup), (")", .unbalancedGroup), ("(a", .unbalancedGroup),
        ("[a", .unbalancedGroup),
        ("a\\", .unbalancedGroup), ("*", .badRepetition), ("a**", .badRepetition), ("a++", .badRepetition),
        ("a{", .badRepetition),
        ("a{2,1}", .badRepetition), ("a{x}", .badRepetition), ("a]", .badRepetition), ("[b-a]", .badRange),
        ("[a-\\d]", .badRange), ("(?=a)", .unsupported("look-around or flags")),
        ("(?i)a", .unsupported("look-around or flags")),
        ("(?<!a)b", .unsupported("look-around or flags")), ("(a)\\1", .unsupported("\\1")),
        ("\\bx", .unsupported("\\b")),
        ("[[a]]", .unsupported("a class within a class")), ("a^b", .unsupported("an anchor within the pattern")),
        ("a{257}", .tooComplex), ("(a{20}){20}", .tooComplex), ("((){99}){99}", .tooComplex),
        (String(repeating: "(", count: 33), .tooComplex), (String(repeating: "a", count: 257), .tooLong),
        ("\u{E9}", .notASCII),
    ])
    func `what cannot be matched safely is refused`(pattern: String, fault: PathExpression.Fault) {
        #expect(throws: fault) { try PathExpression(pattern) }
    }

    @Test(arguments: [
        ("/v1/orders/[0-9]+", "/v1/orders/"), ("/v1/orders", "/v1/orders"), ("/a(/b)?", "/a"), ("/ab?", "/a"),
        ("/a{3}b+c", "/aaab"), ("/(a|b)", "/"), ("(/a|/b)", ""), (".*", ""), ("/a|", ""), ("/(a)(b)/", "/ab/"),
        ("[x]y", "xy"),
    ])
    func `what all paths that match begin with is known`(pattern: String, start: String) throws {
        #expect(try PathExpression(pattern).literalStart == Array(start.utf8))
    }

    @Test(arguments: ["(a+)+b", "(a|a)*b", "(a|aa)+b", "a*a*a*a*a*a*b", "(.*.*.*)*b"])
    func `patterns that make others backtrack for ever take one pass`(pattern: String) throws {
        let expression = try PathExpression(pattern)
        #expect(!expression.matches(String(repeating: "a", count: 8000)))
        #expect(expression.matches(String(repeating: "a", count: 8000) + "b"))
    }

    @Test(arguments: UInt64(0)..<200)
    func `an expression means what it means to Swift`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let pattern = randomPattern(depth: 3, &random)
        let expression = try PathExpression(pattern)
        let reference = try Regex(pattern)
        for _ in 0..<40 {
            let text = String(
                (0..<Int.random(in: 0...7, using: &random)).map { _ in "abc/".randomElement(using: &random)! })
            #expect(
                expression.matches(text) == (text.wholeMatch(of: reference) != nil),
                "seed \(seed): \(pattern) on \(text)"
            )
        }
    }

    private func randomPattern(depth: Int, _ random: inout SeededGenerator) -> String {
        guard depth > 0 else { return ["a", "b", ".", "[ab]", "[^a]", "/"].randomElement(using: &random)! }
        switch Int.random(in: 0..<6, using: &random) {
        case 0:
            return "(" + randomPattern(depth: depth - 1, &random) + "|" + randomPattern(depth: depth - 1, &random) + ")"
        case 1:
            return "(" + randomPattern(depth: depth - 1, &random) + ")" + ["*", "+", "?", "{2}", "{1,2}", "{1,}"]
                .randomElement(using: &random)!
        default: return randomPattern(depth: depth - 1, &random) + randomPattern(depth: depth - 1, &random)
        }
    }
}

extension PathExpression {
    fileprivate func matches(_ path: String) -> Bool { Array(path.utf8).withUnsafeBytes { matches($0) } }
}
