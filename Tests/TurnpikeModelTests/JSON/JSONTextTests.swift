// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@Suite struct JSONTextTests {
    @Test func `text is compact, keeps the order of members and escapes only what it must`() {
        let value: JSON = ["b": [1, .number(0.5), true, .null], "a": ["x/y": "\"\\\n\r\t\u{01}\u{7F}é😀"]]
        #expect(
            value.text == #"{"b":[1,0.5,true,null],"a":{"x/y":"\"\\\n\r\t\u0001"# + "\u{7F}é😀\"}}"
        )
        #expect(JSON.object(JSONObject()).text == "{}" && JSON.array([]).text == "[]")
    }

    @Test func `text for people has a member a line`() {
        let value: JSON = ["a": [1, ["b": .null]], "c": [], "d": [:]]
        #expect(
            value.prettyText == """
                {
                  "a": [
                    1,
                    {
                      "b": null
                    }
                  ],
                  "c": [],
                  "d": {}
                }

                """
        )
    }

    @Test func `the largest integers stay exact, and what is larger becomes a number`() throws {
        for integer in [Int64.max, .min, 9_007_199_254_740_993] {
            #expect(try JSON.parse(JSON.integer(integer).text) == .integer(integer))
        }
        #expect(try JSON.parse("9223372036854775808") == .number(9_223_372_036_854_775_808))
        #expect(try JSON.parse("1.0") == .number(1))
        for number in [1e300, Double.leastNonzeroMagnitude, -0.1, Double.greatestFiniteMagnitude] {
            #expect(try JSON.parse(JSON.number(number).text) == .number(number))
        }
    }

    @Test func `an object holds a name once`() {
        var object = JSONObject(["a": 1, "b": nil, "a": 2])
        #expect(object.names == ["a"] && object["a"] == 2)
        object["c"] = 3
        object["a"] = nil
        object["x"] = nil
        #expect(object.names == ["c"] && object.count == 1 && !object.isEmpty)
    }

    @Test func `parts are reached by name and place, and nothing else is`() {
        let value: JSON = ["list": ["x", 2], "flag": true]
        #expect(value["list"]?[0]?.string == "x" && value["list"]?[1]?.integer == 2 && value["flag"]?.bool == true)
        #expect(value["list"]?[2] == nil && value["list"]?[-1] == nil && value["none"] == nil && value[0] == nil)
        #expect(value["list"]?["x"] == nil && value.string == nil && value.array == nil && !value.isNull)
    }

    @Test func `objects of more members than allowed are refused`() {
        func object(_ count: Int) -> String {
            "{" + (0..<count).map { "\"m\($0)\":0" }.joined(separator: ",") + "}"
        }
        #expect(throws: Never.self) { try JSON.parse(object(4096)) }
        #expect(throws: JSONSyntaxError.self) { try JSON.parse(object(4097)) }
        var narrow = JSONLimits()
        narrow.members = 2
        narrow.depth = 1
        #expect(throws: JSONSyntaxError.self) { try JSON.parse(object(3), limits: narrow) }
        #expect(throws: JSONSyntaxError.self) { try JSON.parse("[[]]", limits: narrow) }
    }
}
