// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

@Suite struct ConditionProgramTests {
    private func holds(_ text: String, _ request: TestRequest) throws -> Bool {
        let program = try ConditionProgram([try Condition(text).expression])
        return try request.withFacts { program.holds(for: $0) }
    }

    @Test(arguments: UInt64(0)..<60)
    func `a program answers as the plain reading of its text does`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<40 {
            let conditions = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                ConditionExpression.random(using: &random)
            }
            let program = try ConditionProgram(conditions)
            for _ in 0..<8 {
                let request = NaiveRequest.random(&random)
                let expected = conditions.allSatisfy(request.fulfils)
                let context: Comment = "seed \(seed): \(conditions) \(request)"
                try request.asSent(&random).withFacts { facts in
                    #expect(program.holds(for: facts) == expected, context)
                    #expect((program.failure(for: facts) == nil) == expected, context)
                }
            }
        }
    }

    /// What stands several times, is empty or oddly written.
    @Test(arguments: [
        ("query('a') == '1'", "a=1&a=2", true), ("query('a') == '2'", "a=1&a=2", false),
        ("query('a') exists", "a", true), ("query('a') exists", "a=", true), ("query('a') exists", "b&&=x&ab=1", false),
        ("query('a') == ''", "", true), ("query('a') == 'b=c'", "a=b=c", true), ("query('a') == 'b c'", "a=b+c", true),
        ("query('a') == 'b+c'", "a=b%2Bc", true), ("query('a') == '%zz%4'", "a=%zz%4", true),
        ("query('ä b') == '1'", "%C3%A4+b=1", true), ("query('a') == 'A'", "%61=%41", true),
        ("query('a') endsWith 'é'", "a=caf%c3%a9", true), ("query('A') exists", "a=1", false),
    ])
    func `parameters are compared as they read decoded, the first of a name`(
        text: String, query: String, expected: Bool
    ) throws {
        #expect(try holds(text, TestRequest(query: query)) == expected)
    }

    @Test(arguments: [
        ("cookie('a') == '1'", ["a=1; a=2"], true), ("cookie('b') == '2'", ["a=1", "b=2"], true),
        ("cookie('a') == ''", ["ba=1; aa=2"], true), ("cookie('a') exists", ["ba=1; aa=2"], false),
        ("cookie('a') == '\"x\"'", ["a=\"x\" ; b=1"], true), ("cookie('a') exists", ["a"], false),
        ("cookie('a') exists", ["; ;a=;"], true), ("cookie('a') == 'b=c'", ["a=b=c"], true),
    ])
    func `cookies are found in any of their fields`(text: String, fields: [String], expected: Bool) throws {
        #expect(try holds(text, TestRequest(fields: fields.map { ("Cookie", $0) })) == expected)
    }

    @Test func `headers are found in any case, and hosts compared in lower case`() throws {
        let request = TestRequest(host: "API.Test:8080", fields: [("X-Tier", "gold"), ("x-tier", "silver")])
        #expect(try holds("header('X-TIER') == 'gold' && host == 'api.test' && host endsWith '.test'", request))
        #expect(try !holds("header('x-tier') == 'silver'", request))
        #expect(try !holds("address in ['0.0.0.0/0', '::/0']", request))
    }

    @Test func `a search within a value takes time that follows the value alone`() throws {
        // Found by no search that begins anew at every byte of this within a test's time.
        let needle = String(repeating: "a", count: 400) + "b"
        let hay = String(repeating: "a", count: 30_000)
        let clock = ContinuousClock()
        var isFound = false
        let elapsed = try clock.measure {
            for _ in 0..<20 {
                isFound = try holds("header('x') contains '\(needle)'", TestRequest(fields: [("x", hay)])) || isFound
            }
        }
        #expect(!isFound)
        #expect(try holds("header('x') contains '\(needle)'", TestRequest(fields: [("x", hay + "b" + hay.prefix(9))])))
        #expect(try holds("header('x') contains 'abab'", TestRequest(fields: [("x", "abaabab")])))
        #expect(elapsed < .seconds(20))
    }

    @Test func `more tests than a table takes are refused`() throws {
        let test = ConditionExpression.test(ConditionTest(.method, .equals("GET")))
        let entry = RouteEntry(7, .exact("/"), conditions: [.any(Array(repeating: test, count: 129))])
        let fault = try #require(throws: RouteTable.Fault.self) { try RouteTable([entry], hashSeed: 1) }
        #expect(fault.index == 7 && fault.reason == .tooManyConditions)
        #expect(throws: Never.self) {
            try RouteTable([RouteEntry(7, .exact("/"), conditions: Array(repeating: test, count: 128))], hashSeed: 1)
        }
    }
}
