// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeTestSupport

@Suite struct ConditionTests {
    @Test(arguments: [
        ("header('X-Tier') == 'gold'", "header('x-tier') == 'gold'"),
        (
            "header('x-tier') == 'gold' && (query('beta') != '' || cookie('ab') == 'b') && method in ['GET','HEAD'] && path startsWith '/v2' && address in ['10.0.0.0/8']",
            "header('x-tier') == 'gold' && (query('beta') != '' || cookie('ab') == 'b') && method in ['GET', 'HEAD'] && path startsWith '/v2' && address in ['10.0.0.0/8']"
        ),
        ("method=='GET'||path=='/'&&host=='a'", "method == 'GET' || path == '/' && host == 'a'"),
        ("(method == 'GET' || path == '/') && host == 'a'", "(method == 'GET' || path == '/') && host == 'a'"),
        ("((method == 'GET' && path == '/') && (host == 'a'))", "method == 'GET' && path == '/' && host == 'a'"),
        ("!(query('a') exists)", "!(query('a') exists)"), ("! ( query('a') == 'b' )", "query('a') != 'b'"),
        ("!(!(query('a') exists))", "!(!(query('a') exists))"), ("query('it''s') == ''''", "query('it''s') == ''''"),
        // A quote that a mark combines with stays a quote.
        ("query('a') == '''\u{65F}'", "query('a') == '''\u{65F}'"),
        ("header('user-agent') contains 'ünï'", "header('user-agent') contains 'ünï'"),
        (#"path matches '/v[0-9]+/\w*'"#, #"path matches '/v[0-9]+/\w*'"#),
        (
            "address in ['192.0.2.7', '::1', '2001:DB8::/32', '::ffff:1.2.3.0/120']",
            "address in ['192.0.2.7/32', '0:0:0:0:0:0:0:1/128', '2001:db8:0:0:0:0:0:0/32', '0:0:0:0:0:ffff:102:300/120']"
        ),
        ("header('authorization') exists", "header('authorization') exists"),
    ])
    func `a condition is read, and written in one form`(text: String, expected: String) throws {
        let condition = try Condition(text)
        #expect(condition.expression.description == expected)
        #expect(condition.text == text)
        #expect(try Condition(condition.expression.description).expression == condition.expression)
    }

    /// Each with the position of what is wrong.
    @Test(arguments: [
        ("", 1), ("   ", 4), ("method", 7), ("method ==", 10), ("method == GET", 11), ("method == 'GET", 11),
        ("method == 'get'", 8), ("method == 'GET' &&", 19), ("method == 'GET' & path == '/'", 17),
        ("method == 'GET' path == '/'", 17), ("method = 'GET'", 8), ("method in 'GET'", 11), ("method in []", 12),
        ("method in ['GET'", 17), ("method in ['GET' 'HEAD']", 18), ("method exists", 8), ("verb == 'GET'", 1),
        ("!method == 'GET'", 2), ("(method == 'GET'", 17), ("method == 'GET')", 16), ("header == 'a'", 8),
        ("header('a b') == 'a'", 1), ("header('') == 'a'", 1), ("header('x-api-key') == 'tp_live_1'", 21),
        ("header('a'", 11), ("header('a') == 1", 16), ("header('a') == header('b')", 16), ("'a' == header('a')", 1),
        ("cookie('a=b') exists", 1), ("path == 'v2'", 6), ("path startsWith 'v2'", 6), ("host == 'A.test'", 6),
        ("host == 'a:80'", 6), ("path matches '('", 6), ("header('a') startsWith ''", 13),
        ("address == '10.0.0.1'", 9), ("address startsWith '10.'", 9), ("address in ['10.0.0.1/8']", 13),
        ("address in ['::/0', '10.0.0/8']", 21), ("address in ['1.2.3.4/33']", 13), ("address in ['a']", 13),
        ("address", 8), ("method == 'GET' || true", 20), ("query('a') STARTSWITH 'b'", 12),
    ])
    func `what is no condition is refused at its place`(text: String, position: Int) throws {
        let fault = try #require(throws: Condition.Fault.self, "\(text)") { try Condition(text) }
        #expect(fault.position == position, "\(fault.detail)")
        #expect(!fault.detail.isEmpty)
    }

    @Test func `length, depth and number of tests are bounded`() throws {
        let test = "path=='/'"
        func nested(_ depth: Int) -> String {
            String(repeating: "(", count: depth) + test + String(repeating: ")", count: depth)
        }
        #expect(throws: Never.self) { try Condition(nested(16)) }
        #expect(throws: Condition.Fault.self) { try Condition(nested(17)) }
        func joined(_ count: Int) -> String { Array(repeating: test, count: count).joined(separator: "||") }
        #expect(throws: Never.self) { try Condition(joined(64)) }
        #expect(throws: Condition.Fault.self) { try Condition(joined(65)) }
        func padded(_ length: Int) -> String { test + String(repeating: " ", count: length - test.utf8.count) }
        #expect(throws: Never.self) { try Condition(padded(1024)) }
        #expect(throws: Condition.Fault(position: 1025, detail: "A condition has at most 1024 bytes.")) {
            try Condition(padded(1025))
        }
    }

    @Test(arguments: UInt64(0)..<40)
    func `every expression is read back as it was`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let expression = ConditionExpression.random(using: &random)
            let text = expression.description
            guard text.utf8.count <= Condition.longestText else { continue }
            #expect(try Condition(text).expression == expression, "seed \(seed): \(text)")
        }
    }

    @Test(arguments: UInt64(0)..<40)
    func `no text stops the parser, and what it takes it can write`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let pieces = [
            "header", "query", "cookie", "method", "path", "host", "address", "(", ")", "[", "]", "'", "''", ",", "!",
            "==", "!=", "&&", "||", "&", "|", "=", " ", "in", "startsWith", "endsWith", "contains", "matches", "exists",
            "'a'", "'/'", "'GET'", "('x')", "'10.0.0.0/8'", "\u{E9}", "\u{0}", "\\", "{", "x", "1", "\u{1F600}", "\n",
        ]
        for _ in 0..<400 {
            var text: String
            if Bool.random(using: &random) {
                text = (0..<Int.random(in: 0...24, using: &random)).map { _ in pieces.randomElement(using: &random)! }
                    .joined()
            } else {
                // One that is right, with a few of its characters changed.
                var scalars = Array(ConditionExpression.random(using: &random).description.unicodeScalars)
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let place = Int.random(in: 0..<scalars.count, using: &random)
                    scalars[place] = pieces.randomElement(using: &random)!.unicodeScalars.first!
                }
                text = ""
                text.unicodeScalars.append(contentsOf: scalars)
            }
            do throws(Condition.Fault) {
                let expression = try Condition(text).expression
                let again = try Condition(expression.description)
                #expect(again.expression == expression, "seed \(seed): \(text)")
            } catch {
                #expect(1...max(text.utf8.count, 1024) + 1 ~= error.position, "seed \(seed): \(text)")
            }
        }
    }
}
