// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@testable import turnpike

@Suite struct YAMLReaderTests {
    @Test(
        arguments: [
            ("7", JSON.integer(7)), ("-3", .integer(-3)), ("9223372036854775807", .integer(.max)),
            ("1.5", .number(1.5)),
            ("true", .bool(true)), ("False", .bool(false)), ("text", .string("text")), ("'7'", .string("7")),
            ("\"true\"", .string("true")), ("no", .string("no")), ("12:30", .string("12:30")), ("017", .string("017")),
            ("0x1F", .string("0x1F")), ("1_000", .string("1_000")), ("2026-03-01", .string("2026-03-01")),
            ("250ms", .string("250ms")),
        ] as [(String, JSON)])
    func `a scalar is what YAML's core schema says`(text: String, expected: JSON) throws {
        #expect(try YAMLReader.documents(in: "value: \(text)") == [["value": expected]])
    }

    @Test func `nulls in all spellings are null`() throws {
        #expect(try YAMLReader.documents(in: "[~, null, '']") == [[.null, .null, ""]])
    }

    @Test func `lists and mappings keep their order`() throws {
        let text = """
            kind: route
            spec:
              match:
                hosts: [b.test, a.test]
                paths:
                  - prefix: /v1
            """
        let expected = #"{"kind":"route","spec":{"match":{"hosts":["b.test","a.test"],"paths":[{"prefix":"/v1"}]}}}"#
        #expect(try YAMLReader.documents(in: text).map(\.text) == [expected])
    }

    @Test func `several documents are read, and empty ones left out`() throws {
        #expect(try YAMLReader.documents(in: "---\na: 1\n---\n---\nb: 2\n") == [["a": 1], ["b": 2]])
    }

    @Test func `an alias stands for its anchor's value`() throws {
        #expect(try YAMLReader.documents(in: "a: &x [1]\nb: *x") == [["a": [1], "b": [1]]])
    }

    @Test(arguments: ["a: [", "a: 1\na: 2", "a: *nowhere", "\t- a", "[1]: a", "{[a]: 1}"])
    func `what is no YAML, or no JSON in YAML, is refused`(text: String) {
        #expect(throws: YAMLReader.Fault.self) { try YAMLReader.documents(in: text) }
    }

    @Test func `aliases of aliases cannot grow without bound`() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        #expect(throws: YAMLReader.Fault.self) { try YAMLReader.documents(in: text, valueLimit: 10_000) }
    }

    @Test func `aliases are counted before anything is parsed, and a parser never compares what they stand for`() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...13 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ",")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        // As a key, each would be hashed as a whole: 10^14 values.
        text += "k: {? *a13 : 1}\n"
        let start = ContinuousClock.now
        #expect(throws: YAMLReader.Fault.self) { try YAMLReader.documents(in: text) }
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    @Test(arguments: [
        ("a: &x 1\nb: *x", 1), ("[&x 1,*x,*x]", 2), ("{a: &x 1, b: *x}", 1), ("a: *x", 0), ("a: R&D *bold*", 0),
        ("- &a 1\n- *a\n-*a", 2), ("a: &x 1\n? *x\n: 2", 1), ("&x a: 1", 0), ("", 0), ("a: x&y\nb: 3*y", 0),
    ])
    func `whatever may be an alias is counted`(_ text: String, _ count: Int) {
        #expect(AliasScan.count(in: text.utf8) == count)
    }

    @Test func `text that nests too deeply is refused`() {
        let text = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        #expect(throws: YAMLReader.Fault.self) { try YAMLReader.documents(in: text) }
    }
}
