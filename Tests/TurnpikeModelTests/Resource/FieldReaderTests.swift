// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

/// One field, `f`, read in every way that there is.
private enum Way: String, CaseIterable {
    case bool, integer, string, name, duration, timestamp, choice, object, list, strings, labels

    enum Colour: String, CaseIterable { case red, green }

    func read(_ fields: inout FieldReader) {
        switch self {
        case .bool: _ = fields.bool("f")
        case .integer: _ = fields.integer("f", in: -1...10)
        case .string: _ = fields.string("f", length: 1...5)
        case .name: _ = fields.name("f")
        case .duration: _ = fields.duration("f", in: .seconds(1) ... .seconds(60))
        case .timestamp: _ = fields.timestamp("f")
        case .choice: _ = fields.choice("f", Colour.self)
        case .object: _ = fields.object("f") { $0.integer("n", in: 0...9) }
        case .list: _ = fields.list("f", count: 1...2) { $0.integer("n", in: 0...9) }
        case .strings: _ = fields.strings("f", count: 1...3) { $0 == "bad" ? "Not this one." : nil }
        case .labels: _ = fields.labels("f")
        }
    }
}

private let taken: [(Way, String)] = [
    (.bool, "true"), (.bool, "false"), (.integer, "-1"), (.integer, "10"), (.string, #""a""#), (.string, #""äöü€😀""#),
    (.name, #""orders""#), (.duration, #""1s""#), (.duration, #""1m""#), (.timestamp, #""2026-03-01T12:00:00Z""#),
    (.choice, #""green""#), (.object, #"{"n":3}"#), (.list, #"[{"n":1}]"#),
    (.strings, #"["a","b"]"#), (.labels, "{}"), (.labels, #"{"tier":"gold","e":""}"#),
]

private let refused: [(Way, String, [String])] = [
    (.bool, "1", ["/f type"]), (.bool, #""true""#, ["/f type"]), (.bool, "null", ["/f required"]),
    (.integer, "11", ["/f range"]), (.integer, "-2", ["/f range"]), (.integer, "1.0", ["/f type"]),
    (.integer, #""1""#, ["/f type"]), (.integer, "99999999999999999999", ["/f type"]),
    (.integer, "null", ["/f required"]),
    (.string, #""""#, ["/f length"]), (.string, #""abcdef""#, ["/f length"]), (.string, #""a\nb""#, ["/f format"]),
    (.string, #""\u007f""#, ["/f format"]), (.string, #""\u0000""#, ["/f format"]), (.string, "7", ["/f type"]),
    (.string, "null", ["/f required"]),
    (.name, #""a b""#, ["/f format"]), (.name, #""""#, ["/f length"]), (.name, "[]", ["/f type"]),
    (.duration, #""soon""#, ["/f format"]), (.duration, #""0s""#, ["/f range"]), (.duration, #""61s""#, ["/f range"]),
    (.duration, #""999999999999d""#, ["/f range"]), (.duration, "5", ["/f type"]), (.duration, "null", ["/f required"]),
    (.timestamp, "null", ["/f type"]), (.object, "null", ["/f type"]), (.labels, "null", ["/f type"]),
    (.timestamp, #""2026-03-01""#, ["/f format"]), (.timestamp, "1772366400", ["/f type"]),
    (.choice, #""blue""#, ["/f choice"]), (.choice, #""RED""#, ["/f choice"]), (.choice, "true", ["/f type"]),
    (.choice, "null", ["/f required"]),
    (.object, "[]", ["/f type", "/f/n required"]), (.object, "{}", ["/f/n required"]),
    (.object, #"{"n":10,"m":1}"#, ["/f/n range", "/f/m unknown"]),
    (.list, "{}", ["/f type"]), (.list, "[]", ["/f length"]), (.list, "null", ["/f required"]),
    (.list, #"[{"n":1},{"n":2},{"n":99}]"#, ["/f length"]), (.list, #"[{"n":1},7]"#, ["/f/1 type", "/f/1/n required"]),
    (.list, #"[{},{"n":-1,"a/b~c":0}]"#, ["/f/0/n required", "/f/1/n range", "/f/1/a~1b~0c unknown"]),
    (.strings, "[]", ["/f length"]), (.strings, #"["a","a"]"#, ["/f/1 unique"]), (.strings, #"["a",1]"#, ["/f/1 type"]),
    (.strings, #"["bad","a","b","c"]"#, ["/f length", "/f/0 format"]), (.strings, #""a""#, ["/f type"]),
    (.labels, "[]", ["/f type"]), (.labels, #"{"-":"x"}"#, ["/f/- format"]), (.labels, #"{"a":1}"#, ["/f/a type"]),
    (.labels, #"{"a":"\n"}"#, ["/f/a format"]),
    (.labels, #"{"a":"0123456789012345678901234567890123456789012345678901234567890123"}"#, ["/f/a length"]),
    (.labels, "{" + (0...64).map { "\"k\($0)\":\"\"" }.joined(separator: ",") + "}", ["/f length"]),
]

@Suite struct FieldReaderTests {
    private func faults(_ text: String, _ read: (inout FieldReader) -> Void) throws -> [String] {
        var fields = FieldReader(try JSON.parse(text), source: .request)
        read(&fields)
        fields.finish()
        for fault in fields.faults { #expect(fault.detail.hasSuffix(".") && fault.detail.count > 10) }
        return fields.faults.map { "\($0.pointer) \($0.rule.rawValue)" }
    }

    @Test(arguments: ["abc", "acb", "bac", "bca", "cab", "cba"])
    func `fields are found in whatever order they are read, and more than once`(order: String) {
        var fields = FieldReader(["a": 1, "b": 2, "c": 3], source: .request)
        for name in order + order.reversed() {
            let expected: Int64 = ["a": 1, "b": 2, "c": 3][name] ?? 0
            #expect(fields.integer(String(name), in: 0...9) == expected)
        }
        #expect(fields.integer("d", in: 0...9, default: 4) == 4)
        fields.finish()
        #expect(fields.faults.isEmpty)
    }

    @Test(arguments: taken)
    private func `a field that keeps its rule is taken`(way: Way, value: String) throws {
        #expect(try faults("{\"f\":\(value)}", way.read) == [])
    }

    @Test(arguments: refused)
    private func `a field that breaks its rule is named with the rule`(
        way: Way, value: String, expected: [String]
    ) throws {
        #expect(try faults("{\"f\":\(value)}", way.read) == expected)
    }

    /// Whether the object has no fault and `read` finds what it looks for.
    private func reads(_ text: String, _ read: (inout FieldReader) -> Bool) throws -> Bool {
        var isAsExpected = false
        let faults = try faults(text) { isAsExpected = read(&$0) }
        return isAsExpected && faults.isEmpty
    }

    @Test func `what is absent has its default`() throws {
        let text = "{}"
        #expect(try reads(text) { !$0.has("f") && $0.bool("f", default: true) })
        #expect(try reads(text) { $0.integer("f", in: 0...9, default: 7) == 7 })
        #expect(try reads(text) { $0.string("f", default: "x") == "x" })
        #expect(try reads(text) { $0.duration("f", in: .zero ... .seconds(9), default: .seconds(3)) == .seconds(3) })
        #expect(try reads(text) { $0.choice("f", default: Way.labels) == .labels })
        #expect(try reads(text) { $0.optionalString("f") == nil })
        #expect(try reads(text) { $0.timestamp("f") == nil })
        #expect(try reads(text) { $0.strings("f", count: 0...2) == [] && $0.labels("f") == [:] })
        #expect(try faults(text) { _ = $0.bool("f") } == ["/f required"])
    }

    @Test func `null is one fault of a field, whatever default it has`() throws {
        let text = #"{"f":null}"#
        #expect(try faults(text) { _ = $0.bool("f", default: true) } == ["/f type"])
        #expect(try faults(text) { _ = $0.optionalString("f") } == ["/f type"])
        #expect(try faults(text) { _ = $0.optionalInteger("f", in: 0...9) } == ["/f type"])
        #expect(try faults(text) { _ = $0.optionalPEM("f", limit: 9) } == ["/f type"])
        #expect(try faults(text) { $0.ignore("f") } == ["/f type"])
        #expect(try faults(text) { _ = $0.bool("f") } == ["/f required"])
        #expect(try faults(#"{"o":{"f":null}}"#) { _ = $0.object("o") { $0.labels("f") } } == ["/o/f type"])
    }

    @Test func `null says the same as nothing where a reader permits it`() throws {
        var fields = FieldReader(["f": .null, "g": .null], source: .request, nullable: ["f", "h"])
        #expect(!fields.has("f") && fields.string("f", default: "x") == "x" && fields.optionalString("g") == nil)
        fields.finish()
        #expect(fields.faults.map(\.pointer.description) == ["/g"])
    }

    @Test func `fields that nobody reads are faults, but for those ignored`() throws {
        #expect(try faults(#"{"a":1,"b":null,"c":2}"#) { $0.ignore("a") } == ["/b unknown", "/c unknown"])
    }

    @Test(arguments: ["null", "[]", "7", #""x""#])
    func `what is no object is a fault of the whole`(text: String) throws {
        #expect(try faults(text) { _ = $0.bool("a", default: true) } == [" type"])
    }

    @Test func `a reader placed within a body points from its root`() throws {
        var fields = FieldReader(["x": 1], source: .request, at: JSONPointer().appending("resources").appending(17))
        _ = fields.bool("a")
        fields.finish()
        #expect(fields.faults.map(\.pointer.description) == ["/resources/17/a", "/resources/17/x"])
    }

    @Test func `a fault is written with its place, rule and sentence`() {
        let fault = Fault(JSONPointer().appending("a"), .range, "Too much.")
        #expect(fault.json.text == #"{"pointer":"/a","rule":"range","detail":"Too much."}"#)
        let error = TurnpikeError.invalid([fault, fault])
        #expect(error.detail == "2 fields are not valid." && TurnpikeError.invalid([fault]).detail == "Too much.")
        #expect(error.description == "invalid-resource: 2 fields are not valid. [/a: Too much.] [/a: Too much.]")
    }
}
