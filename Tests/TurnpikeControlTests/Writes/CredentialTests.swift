// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeControl
import TurnpikeModel
import TurnpikeTestSupport

@Suite struct CredentialTests {
    @Test(
        arguments: [
            (Kind.apiKey, "acme", ["name": "p"], "tp_live_"), (.operator, nil, ["name": "ops"], "tp_op_"),
            (.joinToken, nil, ["kind": "gateway"], "tp_join_"),
        ] as [(Kind, String?, JSON, String)])
    func `a credential is shown once, at creation`(kind: Kind, tenant: String?, body: JSON, prefix: String) async throws
    {
        let test = try await TestPlane.start()
        try await test.seed()
        let created = try await test.write(.create(kind, tenant: tenant, body: body))
        let secret = try #require(created.secret)
        #expect(secret.hasPrefix(prefix))
        let resource = try #require(created.resource)
        let document = resource.document(for: .people).text
        #expect(!document.contains(secret))
        #expect(!document.contains("digest"))
        #expect(resource.document(for: .people)["hint"]?.string.map { secret.hasPrefix($0) } == true)
        let credential = try #require(resource.spec as? any CredentialSpec)

        let name = resource.key.name
        let replaced = try await test.write(
            .put(
                kind, tenant: tenant, name: name,
                body: kind == .joinToken ? ["kind": "gateway", "lifetime": "2h"] : ["displayName": "x"]))
        let patched = try await test.write(.patch(kind, tenant: tenant, name: name, patch: ["labels": ["a": "b"]]))
        for outcome in [replaced, patched] {
            #expect(outcome.effect == .updated)
            #expect(outcome.secret == nil)
            #expect((outcome.resource?.spec as? any CredentialSpec)?.digest == credential.digest)
            #expect((outcome.resource?.spec as? any CredentialSpec)?.hint == credential.hint)
        }
    }

    @Test func `a join token runs out its lifetime after its creation`() async throws {
        let test = try await TestPlane.start()
        let created = try await test.write(.create(.joinToken, body: ["kind": "gateway", "lifetime": "1h"]))
        let resource = try #require(created.resource)
        #expect((resource.spec as? JoinToken)?.expiresAt == test.clock.now.advanced(by: .seconds(3600)))
        #expect(resource.key.name == resource.idText)
        test.clock.advance(by: .seconds(1800))
        let longer = try await test.write(.patch(.joinToken, name: resource.key.name, patch: ["lifetime": "2h"]))
        #expect((longer.resource?.spec as? JoinToken)?.expiresAt == resource.createdAt.advanced(by: .seconds(7200)))
    }
}
