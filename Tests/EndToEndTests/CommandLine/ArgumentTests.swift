// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@testable import turnpike

@Suite struct ArgumentTests {
    @Test(
        arguments: [
            ("api-keys", Kind.apiKey), ("api-key", .apiKey), ("apiKey", .apiKey), ("policies", .policy),
            ("policy", .policy),
            ("tenant", .tenant), ("join-tokens", .joinToken), ("joinToken", .joinToken),
        ] as [(String, Kind)])
    func `a kind is known by plural, singular and its name in bundles`(text: String, kind: Kind) {
        #expect(Kind(argument: text) == kind)
    }

    @Test(arguments: ["apikeys", "Route", "", "thing"])
    func `other words are no kinds`(text: String) {
        #expect(Kind(argument: text) == nil)
    }

    @Test(arguments: [("tier:gold", "tier", "gold"), ("a=b:c", "a", "b:c"), ("a=", "a", "")])
    func `a label has a name and a value`(text: String, name: String, value: String) throws {
        let label = try #require(LabelArgument(argument: text))
        #expect((label.name, label.value) == (name, value))
    }

    @Test(arguments: ["gold", ":gold", ""])
    func `what has no name and value is no label`(text: String) {
        #expect(LabelArgument(argument: text) == nil)
    }

    @Test func `targets are encoded segment by segment`() throws {
        let target = try Target(.route, tenant: "a/b", name: "x?y", query: [("label", "tier:gold & co")])
        #expect(target.text == "/v1/tenants/a%2Fb/routes/x%3Fy?label=tier%3Agold%20%26%20co")
        #expect(try Target(.worker, tenant: nil).text == "/v1/workers")
    }

    @Test func `a tenant is asked for where the kind has one, and refused where it has none`() {
        #expect(throws: CommandFailure.self) { try Target(.route, tenant: nil) }
        #expect(throws: CommandFailure.self) { try Target(.worker, tenant: "acme") }
    }

    @Test func `a refusal shows title, detail and each fault`() {
        let problem = Problem(
            status: 422,
            body: [
                "title": "The resource is not valid", "detail": "2 fields are not valid.", "requestId": "r1",
                "errors": [
                    ["pointer": "/limit", "detail": "'limit' is required."], ["pointer": "", "detail": "No."],
                ],
            ])
        #expect(
            CommandFailure.refused(problem).message(styled: false) == """
                Error: The resource is not valid: 2 fields are not valid.
                  /limit: 'limit' is required.
                  (body): No.

                """)
    }
}
