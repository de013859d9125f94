// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Testing
import TurnpikeModel

/// What each role may do, over the platform and bound to a tenant.
@Suite struct RoleTests {
    /// An operator's token.
    private func token(
        _ server: TestServer, _ name: String, _ role: String, tenant: String? = nil
    ) async throws
        -> HTTPFields
    {
        let bound = tenant.map { #","tenant":"\#($0)""# } ?? ""
        let answer = try await server.send(.post, "/v1/operators", #"{"name":"\#(name)","role":"\#(role)"\#(bound)}"#)
        let token = try #require(answer.json["token"]?.string)
        return [.authorization: "Bearer \(token)"]
    }

    /// Tenants `acme` and `umbra`.
    private func seed(_ server: TestServer) async throws {
        try await server.seed()
        #expect(try await server.send(.post, "/v1/tenants", #"{"name":"umbra"}"#).status == 201)
        #expect(try await server.send(.put, "/v1/tenants/umbra/services/dark", Bodies.service).status == 201)
    }

    @Test func `a viewer reads everything and writes nothing`() async throws {
        try await TestServer.run { server in
            try await seed(server)
            let viewer = try await token(server, "auditor", "viewer")
            for path in [
                "/v1/tenants", "/v1/tenants/acme/routes/orders", "/v1/operators", "/v1/revisions/2", "/metrics",
            ] {
                let status = try await server.send(.get, path, headers: viewer).status
                #expect(status == 200, "\(path)")
            }
            let service = "/v1/tenants/acme/services/orders"
            for (method, body) in [
                (HTTPRequest.Method.put, Bodies.service), (.patch, "{}"), (.delete, nil as String?),
            ] {
                let answer = try await server.send(method, service, body, headers: viewer)
                #expect(answer.status == 403 && answer.problem == "forbidden", "\(method)")
            }
            let bundle = #"{"resources":[{"kind":"tenant","name":"new"}]}"#
            #expect(try await server.send(.post, "/v1/apply", bundle, headers: viewer).status == 403)
        }
    }

    @Test func `a viewer's write is refused before its body is read`() async throws {
        try await TestServer.run { server in
            try await seed(server)
            let viewer = try await token(server, "auditor", "viewer")
            for (method, path) in [
                (HTTPRequest.Method.post, "/v1/apply"), (.post, "/v1/tenants"), (.put, "/v1/tenants/acme"),
                (.patch, "/v1/tenants/acme"),
            ] {
                // What cannot be read would be 400.
                let answer = try await server.send(method, path, "{", headers: viewer)
                #expect(answer.status == 403 && answer.problem == "forbidden", "\(method) \(path)")
            }
            #expect(try await server.send(.post, "/v1/revisions/2/revert", headers: viewer).status == 403)
            let question = #"{"host":"api.acme.test","path":"/v1/orders"}"#
            #expect(try await server.send(.post, "/v1/explain", question, headers: viewer).status == 200)
        }
    }

    @Test func `an operator writes everything but operators`() async throws {
        try await TestServer.run { server in
            try await seed(server)
            let ops = try await token(server, "ops", "operator")
            #expect(try await server.send(.post, "/v1/tenants", #"{"name":"new"}"#, headers: ops).status == 201)
            #expect(try await server.send(.post, "/v1/join-tokens", #"{"kind":"gateway"}"#, headers: ops).status == 201)
            for (method, path, body) in [
                (HTTPRequest.Method.post, "/v1/operators", #"{"name":"more","role":"viewer"}"#),
                (.patch, "/v1/operators/ops", #"{"role":"owner"}"#), (.delete, "/v1/operators/bootstrap", nil),
                (.post, "/v1/apply", #"{"resources":[{"kind":"operator","name":"ops","spec":{"role":"owner"}}]}"#),
            ] {
                let answer = try await server.send(method, path, body, headers: ops)
                #expect(answer.status == 403, "\(method) \(path)")
            }
        }
    }

    @Test func `a token bound to a tenant does not see that others exist`() async throws {
        try await TestServer.run { server in
            try await seed(server)
            let umbra = try await server.send(.get, "/v1/tenants/umbra").json["id"]?.string ?? ""
            let bound = try await token(server, "acme-ops", "operator", tenant: "acme")
            let absent = try await server.send(.get, "/v1/tenants/nobody/services", headers: bound)
            for name in ["umbra", umbra] {
                for path in [
                    "/v1/tenants/\(name)", "/v1/tenants/\(name)/services", "/v1/tenants/\(name)/services/dark",
                    "/v1/tenants/\(name)/usage",
                ] {
                    let answer = try await server.send(.get, path, headers: bound)
                    #expect(answer.status == 404, "\(path)")
                    #expect(
                        answer.json["detail"]?.string?.replacing(name, with: "nobody") == absent.json["detail"]?.string)
                }
                let write = try await server.send(
                    .put, "/v1/tenants/\(name)/services/dark", Bodies.service, headers: bound)
                #expect(write.status == 404)
            }
            let tenants = try await server.send(.get, "/v1/tenants", headers: bound).json["data"]?.array ?? []
            #expect(tenants.map { $0["name"]?.string } == ["acme"])
            let operators = try await server.send(.get, "/v1/operators", headers: bound).json["data"]?.array ?? []
            #expect(operators.map { $0["name"]?.string } == ["acme-ops"])
            #expect(try await server.send(.get, "/v1/operators/bootstrap", headers: bound).status == 404)
            #expect(try await server.send(.get, "/v1/workers", headers: bound).json["data"]?.array?.isEmpty == true)
            #expect(try await server.send(.get, "/metrics", headers: bound).status == 403)
        }
    }

    @Test func `a token bound to a tenant writes in it, and nowhere else`() async throws {
        try await TestServer.run { server in
            try await seed(server)
            let bound = try await token(server, "acme-ops", "operator", tenant: "acme")
            let service = "/v1/tenants/acme/services/more"
            #expect(try await server.send(.put, service, Bodies.service, headers: bound).status == 201)
            for (method, path, body) in [
                (HTTPRequest.Method.post, "/v1/tenants", #"{"name":"mine"}"#),
                (.patch, "/v1/tenants/acme", #"{"displayName":"ours"}"#), (.delete, "/v1/tenants/acme", nil),
                (.post, "/v1/join-tokens", #"{"kind":"gateway"}"#),
            ] {
                let answer = try await server.send(method, path, body, headers: bound)
                #expect(answer.status == 403, "\(method) \(path)")
            }
            let foreign = #"""
                {"resources":[{"kind":"service","tenant":"umbra","name":"dark","spec":\#(Bodies.service)}],
                 "deletes":[{"kind":"service","tenant":"umbra","name":"other"}]}
                """#
            let answer = try await server.send(.post, "/v1/apply", foreign, headers: bound)
            #expect(answer.status == 422)
            #expect(answer.text.contains("There is no tenant 'umbra'."))
            #expect(try await server.send(.get, "/v1/tenants/umbra/services/dark").status == 200)
        }
    }

    @Test func `an owner of a tenant manages that tenant's operators, and no others`() async throws {
        try await TestServer.run { server in
            try await seed(server)
            let owner = try await token(server, "acme-owner", "owner", tenant: "acme")
            let mine = #"{"name":"acme-viewer","role":"viewer","tenant":"acme"}"#
            #expect(try await server.send(.post, "/v1/operators", mine, headers: owner).status == 201)
            for body in [#"{"name":"x","role":"viewer"}"#, #"{"name":"x","role":"viewer","tenant":"umbra"}"#] {
                #expect(try await server.send(.post, "/v1/operators", body, headers: owner).status == 403)
            }
            #expect(try await server.send(.delete, "/v1/operators/bootstrap", headers: owner).status == 404)
            let taken = try await server.send(.put, "/v1/operators/bootstrap", #"{"role":"viewer"}"#, headers: owner)
            #expect(taken.status == 409 && taken.problem == "already-exists")
            #expect(try await server.send(.delete, "/v1/operators/acme-viewer", headers: owner).status == 204)
        }
    }

    @Test func `of a revision a bound token sees its own tenant's part`() async throws {
        try await TestServer.run { server in
            try await seed(server)
            let bound = try await token(server, "acme-ops", "viewer", tenant: "acme")
            let bundle = #"""
                {"resources":[{"kind":"service","tenant":"umbra","name":"s","spec":\#(Bodies.service)},
                 {"kind":"service","tenant":"acme","name":"s","spec":\#(Bodies.service)}]}
                """#
            let shared = try await server.send(.post, "/v1/apply", bundle).json["revision"]?.integer ?? 0
            let seen = try await server.send(.get, "/v1/revisions/\(shared)", headers: bound)
            #expect(seen.json["changes"]?.array?.map { $0["tenant"]?.string } == ["acme"])
            let foreign = try await server.send(.put, "/v1/tenants/umbra/services/t", Bodies.service)
            let revision = foreign.json["revision"]?.integer ?? 0
            #expect(try await server.send(.get, "/v1/revisions/\(revision)", headers: bound).status == 404)
        }
    }

    @Test func `a revision out of sight is as one that is not there, whatever is asked of it`() async throws {
        try await TestServer.run { server in
            try await seed(server)
            let bound = try await token(server, "acme-owner", "owner", tenant: "acme")
            let foreign = try await server.send(.put, "/v1/tenants/umbra/services/t", Bodies.service)
            let revision = try #require(foreign.json["revision"]?.integer)
            for (method, path) in [
                (HTTPRequest.Method.get, ""), (.get, "/rollout"), (.get, "/rollout?wait=applied&timeout=1s"),
                (.post, "/revert"),
                (.post, "/revert?dryRun=true"),
            ] {
                #expect(
                    try await server.send(.get, "/v1/revisions/\(revision)\(method == .get ? path : "")").status == 200)
                let hidden = try await server.send(method, "/v1/revisions/\(revision)\(path)", headers: bound)
                let absent = try await server.send(method, "/v1/revisions/\(revision + 9)\(path)", headers: bound)
                #expect(hidden.status == 404 && absent.status == 404, "\(path)")
                let detail = hidden.json["detail"]?.string
                #expect(detail?.replacing("\(revision)", with: "\(revision + 9)") == absent.json["detail"]?.string)
            }
            for path in ["/v1/changes?since=\(revision - 1)", "/v1/audit?since=\(revision - 1)", "/v1/audit"] {
                for accept in ["application/json", "application/x-ndjson"] {
                    var headers = bound
                    headers[.accept] = accept
                    let answer = try await server.send(.get, path, headers: headers)
                    #expect(answer.status == 200 && !answer.text.contains("umbra"), "\(path)")
                    #expect(!answer.text.contains(#""revision":\#(revision)"#) && !answer.text.contains(#""t""#))
                }
            }
            #expect(try await server.send(.get, "/v1/changes?tenant=umbra", headers: bound).status == 404)
            #expect(try await server.send(.get, "/v1/audit?tenant=umbra", headers: bound).status == 404)
        }
    }

    @Test func `a bound token sees the rollouts of its own revisions, one that changed nothing too`() async throws {
        try await TestServer.run { server in
            try await seed(server)
            let bound = try await token(server, "acme-ops", "operator", tenant: "acme")
            #expect(try await server.send(.get, "/v1/revisions/4/rollout", headers: bound).status == 200)
            let path = "/v1/tenants/acme/services/orders?wait=applied&timeout=1s"
            // The newest revision is another's by now.
            let same = try await server.send(.put, path, Bodies.service, headers: bound)
            #expect(same.status == 200 && same.json["rollout"] != nil, "\(same.text)")
        }
    }

    @Test func `the last owner cannot be deleted, demoted, bound or made to expire`() async throws {
        try await TestServer.run { server in
            try await seed(server)
            _ = try await token(server, "tenant-owner", "owner", tenant: "acme")
            let path = "/v1/operators/bootstrap"
            for (method, body) in [
                (HTTPRequest.Method.delete, nil), (.patch, #"{"role":"operator"}"#), (.patch, #"{"tenant":"acme"}"#),
                (.patch, #"{"expiresAt":"2999-01-01T00:00:00Z"}"#),
            ] {
                let answer = try await server.send(method, path, body)
                #expect(answer.status == 409 && answer.problem == "last-owner", "\(body ?? "DELETE")")
            }
            _ = try await token(server, "second", "owner")
            #expect(try await server.send(.delete, path).status == 204)
        }
    }

    @Test func `a tenant that operators are bound to stays`() async throws {
        try await TestServer.run { server in
            #expect(try await server.send(.post, "/v1/tenants", #"{"name":"umbra"}"#).status == 201)
            _ = try await token(server, "bound", "viewer", tenant: "umbra")
            let answer = try await server.send(.delete, "/v1/tenants/umbra")
            #expect(answer.status == 409 && answer.text.contains("operator bound"))
            let unknown = try await server.send(.post, "/v1/operators", #"{"name":"x","tenant":"nobody"}"#)
            #expect(unknown.faults == ["/tenant reference"])
        }
    }
}
