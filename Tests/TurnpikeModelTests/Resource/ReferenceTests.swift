// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@Suite struct ReferenceTests {
    @Test(arguments: [
        (
            Kind.route,
            #"{"match":{"hosts":["a"],"paths":[{"exact":"/"}]},"backends":[{"service":"x"},{"service":"y"}]}"#,
            ["service x /backends/0/service", "service y /backends/1/service"]
        ),
        (
            .route,
            #"{"match":{"hosts":["a"],"paths":[{"exact":"/"}]},"backends":[{"service":"x"}],"mirror":[{"service":"y"}]}"#,
            ["service x /backends/0/service", "service y /mirror/0/service"]
        ),
        (.apiKey, #"{"routes":["r"]}"#, ["route r /routes/0"]),
        (
            .quota, #"{"limit":1,"period":"day","selector":{"routes":["a","b"]}}"#,
            ["route a /selector/routes/0", "route b /selector/routes/1"]
        ),
        (.policy, #"{"kind":"rateLimit","per":"key","limit":1,"interval":"1s","selector":{"labels":{"a":"b"}}}"#, []),
        (.service, #"{"endpoints":[{"host":"a","port":80}]}"#, []),
    ])
    func `references name what must exist, and the field that names it`(
        kind: Kind, text: String, expected: [String]
    ) throws {
        let references = try ResourceBody(JSON.parse(text), kind: kind, name: "n").spec.references
        #expect(references.map { "\($0.kind.rawValue) \($0.name) \($0.pointer)" } == expected)
    }

    @Test(arguments: [
        (#"{}"#, ["plain", "gold"]), (#"{"selector":{}}"#, ["plain", "gold"]),
        (#"{"selector":{"routes":["plain"]}}"#, ["plain"]),
        (#"{"selector":{"labels":{"tier":"gold"}}}"#, ["gold"]),
        (#"{"selector":{"labels":{"tier":"gold","zone":"b"}}}"#, []),
        (#"{"selector":{"routes":["plain"],"labels":{"tier":"gold"}}}"#, ["plain", "gold"]),
    ])
    func `a selector takes routes by name or by all of its labels`(selector: String, expected: [String]) throws {
        let json = try JSON.parse(#"{"limit":1,"period":"day"}"#).merging(patch: JSON.parse(selector))
        let quota = try #require(try ResourceBody(json, kind: .quota, name: "q").spec as? Quota)
        let routes: [(String, Labels)] = [("plain", [:]), ("gold", ["tier": "gold", "zone": "a"])]
        #expect(routes.filter { quota.selector.selects(route: $0.0, labels: $0.1) }.map(\.0) == expected)
    }

    @Test func `labels are written with their keys sorted`() {
        #expect(["b": "2", "a": "1"].json.text == #"{"a":"1","b":"2"}"#)
    }
}
