// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Testing
import TurnpikeModel

@Suite struct ExportTests {
    private func fill(_ server: TestServer) async throws {
        try await server.seed()
        for (path, body) in [
            ("api-keys/partner", #"{"labels":{"tier":"gold"},"routes":["orders"]}"#),
            ("quotas/monthly", #"{"limit":5,"period":"month"}"#),
            ("policies/burst", #"{"kind":"rateLimit","per":"key","limit":100,"interval":"1s"}"#),
        ] {
            #expect(try await server.send(.put, "/v1/tenants/acme/\(path)", body).status == 201)
        }
        #expect(try await server.send(.post, "/v1/tenants", #"{"name":"umbra"}"#).status == 201)
    }

    @Test func `applied again, an export changes nothing`() async throws {
        try await TestServer.run { server in
            try await fill(server)
            let export = try await server.send(.get, "/v1/export")
            #expect(export.status == 200 && export[header: "Turnpike-Revision"] == "8")
            let applied = try await server.send(.post, "/v1/apply", export.text)
            #expect(applied.status == 200, "\(applied.text)")
            #expect(applied.json["changes"]?.array?.isEmpty == true && applied.json["unchanged"]?.integer == 7)
        }
    }

    @Test func `join tokens and operators apply back too, with a name of their own or without`() async throws {
        try await TestServer.run { server in
            for body in [#"{"kind":"gateway"}"#, #"{"kind":"gateway","name":"edge"}"#] {
                #expect(try await server.send(.post, "/v1/join-tokens", body).status == 201)
            }
            let export = try await server.send(.get, "/v1/export?kinds=join-tokens,operators")
            #expect(export.json["resources"]?.array?.count == 3)
            let applied = try await server.send(.post, "/v1/apply", export.text)
            #expect(applied.status == 200 && applied.json["unchanged"] == 3, "\(applied.text)")
        }
    }

    @Test func `an export is of one tenant, of some kinds, of some labels`() async throws {
        try await TestServer.run { server in
            try await fill(server)
            func names(_ query: String) async throws -> [String?] {
                let answer = try await server.send(.get, "/v1/export?\(query)")
                return (answer.json["resources"]?.array ?? []).map { $0["name"]?.string }
            }
            #expect(try await names("tenant=umbra") == ["umbra"])
            #expect(try await names("kinds=services,route") == ["orders", "orders"])
            #expect(try await names("label=tier:gold") == ["partner"])
            #expect(try await server.send(.get, "/v1/export?tenant=nobody").status == 404)
            #expect(try await server.send(.get, "/v1/export?kinds=nothing").status == 400)
        }
    }

    @Test func `a dry run names each field that differs`() async throws {
        try await TestServer.run { server in
            try await fill(server)
            let bundle = #"""
                {"resources":[{"kind":"quota","tenant":"acme","name":"monthly","labels":{"a":"b"},"spec":{"limit":6,"period":"month"}}]}
                """#
            let answer = try await server.send(.post, "/v1/apply?dryRun=true", bundle)
            let fields = answer.json["changes"]?[0]?["fields"]?.array ?? []
            #expect(
                fields == [["pointer": "/limit", "before": 5, "after": 6], ["pointer": "/labels/a", "after": "b"]])
            #expect(try await server.send(.get, "/v1/tenants/acme/quotas/monthly").json["limit"]?.integer == 5)
        }
    }
}
