// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@Suite struct MergePatchEdgeTests {
    @Test(arguments: [
        (#"{"a":"b"}"#, "null", "null"), (#"{"a":"b"}"#, #""c""#, #""c""#), (#""x""#, #"{"a":1}"#, #"{"a":1}"#),
        ("null", #"{"a":{"b":null}}"#, #"{"a":{}}"#), (#"{"a":1}"#, "{}", #"{"a":1}"#),
        (#"{"a":[1,2]}"#, #"{"a":[null]}"#, #"{"a":[null]}"#), (#"{"a":1}"#, #"{"a":{"b":2}}"#, #"{"a":{"b":2}}"#),
        (#"{"a":{"b":1}}"#, #"{"a":{"b":{"c":null,"d":3}}}"#, #"{"a":{"b":{"d":3}}}"#),
    ])
    func `whatever is no object replaces, and nulls within a new object vanish`(
        original: String, patch: String, expected: String
    ) throws {
        #expect(try JSON.parse(original).merging(patch: JSON.parse(patch)) == JSON.parse(expected))
    }

    @Test func `members keep their places`() throws {
        let merged = try JSON.parse(#"{"a":1,"b":2,"c":3}"#).merging(patch: ["d": 4, "b": 9, "a": .null])
        #expect(merged.text == #"{"b":9,"c":3,"d":4}"#)
    }
}
