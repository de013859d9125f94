// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Testing
import TurnpikeModel

@Suite struct RevertTests {
    @Test func `a revision taken back leaves everything as it was before, credentials too`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            #expect(try await server.send(.post, "/v1/tenants/acme/api-keys", #"{"name":"partner"}"#).status == 201)
            let before = try await server.send(.get, "/v1/export?kinds=tenant,service,route,apiKey").text
            let bundle = #"""
                {"resources":[{"kind":"service","tenant":"acme","name":"orders","spec":{"endpoints":[{"host":"10.0.0.9","port":1}]}},
                 {"kind":"quota","tenant":"acme","name":"monthly","spec":{"limit":5,"period":"month"}}],
                 "deletes":[{"kind":"route","tenant":"acme","name":"orders"},{"kind":"apiKey","tenant":"acme","name":"partner"}]}
                """#
            let applied = try await server.send(.post, "/v1/apply", bundle)
            #expect(applied.status == 200)
            let revision = applied.json["revision"]?.integer ?? 0
            let key = try await server.send(.get, "/v1/revisions/\(revision)").json["changes"]?.array?.first {
                $0["kind"] == "apiKey"
            }
            let dry = try await server.send(.post, "/v1/revisions/\(revision)/revert?dryRun=true")
            #expect(dry.json["changes"]?.array?.count == 4 && dry.json["revision"]?.integer == revision)
            let reverted = try await server.send(.post, "/v1/revisions/\(revision)/revert")
            #expect(reverted.status == 200 && reverted.json["revision"]?.integer == revision + 1)
            #expect(try await server.send(.get, "/v1/export?kinds=tenant,service,route,apiKey").text == before)
            #expect(try await server.send(.get, "/v1/tenants/acme/quotas/monthly").status == 404)
            let restored = try await server.send(.get, "/v1/tenants/acme/api-keys/partner").json
            #expect(restored["id"] == key?["before"]?["id"] && restored["hint"] == key?["before"]?["hint"])
            // And the reverse again.
            #expect(try await server.send(.post, "/v1/revisions/\(revision + 1)/revert").status == 200)
            #expect(try await server.send(.get, "/v1/tenants/acme/quotas/monthly").status == 200)
        }
    }

    @Test func `what has changed since is not overwritten`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let patch = #"{"endpoints":[{"host":"127.0.0.1","port":9002}]}"#
            let first = try await server.send(.patch, "/v1/tenants/acme/services/orders", patch)
            let revision = first.json["revision"]?.integer ?? 0
            let again = patch.replacing("9002", with: "9003")
            #expect(try await server.send(.patch, "/v1/tenants/acme/services/orders", again).status == 200)
            let refused = try await server.send(.post, "/v1/revisions/\(revision)/revert")
            #expect(refused.status == 409 && refused.problem == "changed-since")
            let port = try await server.send(.get, "/v1/tenants/acme/services/orders").json["endpoints"]?[0]?["port"]
            #expect(port == 9003)
        }
    }

    @Test func `a revert keeps the rules of any write`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            // Revision 3 made the service, which the route needs.
            let refused = try await server.send(.post, "/v1/revisions/3/revert")
            #expect(refused.status == 409 && refused.problem == "still-referenced")
            #expect(try await server.send(.post, "/v1/revisions/99/revert").status == 404)
        }
    }
}
