// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeTestSupport

private let validTexts: [(String, JSON)] = [
    ("null", JSON.null), ("true", true), (" false ", false), ("0", 0), ("-17", -17),
    ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)), ("1.5", .number(1.5)),
    ("1e3", .number(1000)), ("\"\"", ""), ("\"a\\u00e9\\n\\\"\\\\\\/\"", "aé\n\"\\/"),
    ("\"\\ud83d\\ude00\"", "😀"), ("[]", []), ("[1,[2]]", [1, [2]]), ("{}", [:]),
    ("{\"b\":1,\"a\":{\"c\":null}}", ["b": 1, "a": ["c": .null]]),
]

@Suite struct JSONParserTests {
    @Test(arguments: validTexts)
    func `valid texts give their values`(text: String, value: JSON) throws {
        #expect(try JSON.parse(text) == value)
    }

    @Test(arguments: [
        "", " ", "nul", "tru", "01", "-", "1.", ".5", "1e", "+1", "1e999", "\"", "\"\\x\"", "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"a\u{01}b\"", "[", "[1", "[1,]", "[,1]", "{", "{\"a\"}", "{\"a\":}",
        "{\"a\":1,}", "{a:1}", "{\"a\":1,\"a\":2}", "1 2", "{} x", "NaN", "Infinity", "'a'", "[1 2]",
    ])
    func `invalid texts are refused`(text: String) {
        #expect(throws: JSONSyntaxError.self) { try JSON.parse(text) }
    }

    @Test func `bytes that are not UTF-8 are refused`() {
        #expect(throws: JSONSyntaxError.self) { try JSON.parse([0x22, 0xFF, 0x22]) }
        #expect(throws: JSONSyntaxError.self) { try JSON.parse([0x22, 0xC0, 0x80, 0x22]) }
    }

    @Test func `nesting beyond the limit is refused and not a crash`() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: JSONSyntaxError.self) { try JSON.parse(deep) }
        let allowed = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        #expect(throws: Never.self) { try JSON.parse(allowed) }
    }

    @Test func `an error tells the offending byte`() throws {
        let error = try #require(throws: JSONSyntaxError.self) { _ = try JSON.parse("{\"a\": 1, \"a\": 2}") }
        #expect(error.reason == "member name stands twice" && error.offset == 9)
    }

    @Test(arguments: [1, 2, 15, 16, 17, 40])
    func `a name stands once, however many there are`(count: Int) throws {
        let members = (0..<count).map { "\"m\($0)\":\($0)" }
        #expect(try JSON.parse("{\(members.joined(separator: ","))}").object?.count == count)
        for twice in Set([0, count / 2, count - 1]) {
            let text = "{\((members + [members[twice]]).joined(separator: ","))}"
            #expect(throws: JSONSyntaxError.self) { try JSON.parse(text) }
        }
    }

    @Test(arguments: [
        #"{"name":1,"n\u0061me":2}"#, #"{"n\u0061me":1,"name":2}"#, #"{"n\u0061me":1,"x":2,"n\u0061me":3}"#,
        #"{"é":1,"x":2,"é":3}"#, #"{"é":1,"\u00e9":2}"#, #"{"\"":1,"\u0022":2}"#,
    ])
    func `a name stands once, however it is written`(text: String) {
        #expect(throws: JSONSyntaxError.self) { try JSON.parse(text) }
    }

    @Test(arguments: 0..<200)
    func `every value survives being written and read`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let value = randomValue(depth: 4, &random)
        #expect(try JSON.parse(value.text) == value, "seed \(seed)")
        #expect(try JSON.parse(value.prettyText) == value, "seed \(seed)")
    }

    @Test(arguments: 0..<500)
    func `a damaged text is refused or read, never a crash`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var bytes = randomValue(depth: 4, &random).utf8
        for _ in 0..<3 {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            bytes[index] = UInt8.random(in: .min ... .max, using: &random)
        }
        if let value = try? JSON.parse(bytes) { #expect((try? JSON.parse(value.utf8)) == value, "seed \(seed)") }
    }

    private func randomValue(depth: Int, _ random: inout SeededGenerator) -> JSON {
        switch Int.random(in: 0..<(depth == 0 ? 5 : 7), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .integer(Int64.random(in: .min ... .max, using: &random))
        case 3: return .number(Double(Int.random(in: -9999...9999, using: &random)) + 0.5)
        case 4: return .string(randomText(&random))
        case 5:
            return .array(
                (0..<Int.random(in: 0...4, using: &random)).map { _ in randomValue(depth: depth - 1, &random) })
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                object[randomText(&random)] = randomValue(depth: depth - 1, &random)
            }
            return .object(object)
        }
    }

    private func randomText(_ random: inout SeededGenerator) -> String {
        let alphabet: [Unicode.Scalar] = ["a", "Z", "0", "\"", "\\", "/", "\n", "\u{01}", "\u{7F}", "é", "漢", "😀", " "]
        var text = ""
        for _ in 0..<Int.random(in: 0...8, using: &random) {
            text.unicodeScalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &random)])
        }
        return text
    }
}
