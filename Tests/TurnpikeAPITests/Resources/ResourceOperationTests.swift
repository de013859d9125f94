// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Testing
import TurnpikeControl
import TurnpikeModel
import TurnpikeTestSupport

@Suite struct CreateTests {
    @Test func `201 names the new resource and its revision`() async throws {
        try await TestServer.run { server in
            let answer = try await server.send(.post, "/v1/tenants", #"{"name":"acme","displayName":"Acme GmbH"}"#)
            #expect(answer.status == 201 && answer[header: "Location"] == "/v1/tenants/acme")
            #expect(answer.json["name"] == "acme" && answer.json["timeZone"] == "UTC")
            #expect(answer[header: "ETag"] == "\"\(answer.json["revision"]?.integer ?? 0)\"")
            #expect(answer[header: "Turnpike-Revision"] == "\(answer.json["revision"]?.integer ?? 0)")
            #expect(answer[header: "X-Request-Id"]?.isEmpty == false)
        }
    }

    @Test func `201 shows a key's secret once and never again`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let created = try await server.send(.post, "/v1/tenants/acme/api-keys", #"{"name":"partner-1"}"#)
            let key = try #require(created.json["key"]?.string)
            #expect(
                created.status == 201 && key.hasPrefix("tp_live_")
                    && created.json["id"]?.string?.hasPrefix("key_") == true)
            let read = try await server.send(.get, "/v1/tenants/acme/api-keys/partner-1")
            #expect(
                read.status == 200 && read.json["key"] == nil && read.json["digest"] == nil && !read.text.contains(key))
            let put = try await server.send(.put, "/v1/tenants/acme/api-keys/partner-1", #"{"displayName":"P"}"#)
            #expect(put.status == 200 && put.json["key"] == nil)
        }
    }

    @Test func `201 gives a join token a name and an end where it has none`() async throws {
        try await TestServer.run { server in
            let answer = try await server.send(.post, "/v1/join-tokens", #"{"kind":"gateway"}"#)
            #expect(answer.status == 201 && answer.json["token"]?.string?.hasPrefix("tp_join_") == true)
            #expect(answer.json["expiresAt"]?.string == server.clock.now.advanced(by: .seconds(86_400)).description)
        }
    }

    @Test func `409 refuses a name that is taken`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let answer = try await server.send(.post, "/v1/tenants", #"{"name":"acme"}"#)
            #expect(answer.status == 409 && answer.problem == "already-exists")
        }
    }

    @Test func `409 refuses another tenant's host without naming that tenant`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            #expect(try await server.send(.post, "/v1/tenants", #"{"name":"rival"}"#).status == 201)
            #expect(try await server.send(.put, "/v1/tenants/rival/services/orders", Bodies.service).status == 201)
            let answer = try await server.send(.put, "/v1/tenants/rival/routes/r", Bodies.route)
            #expect(answer.status == 409 && answer.problem == "host-taken" && !answer.text.contains("\"acme\""))
            #expect(answer.faults.contains { $0.hasPrefix("/match/hosts/0") })
        }
    }
}

@Suite struct SpellingTests {
    @Test(arguments: [
        "application/json", "Application/JSON", " application/json ; charset=utf-8", "application/json\t;q",
    ])
    func `a media type counts whatever its case, its parameters and the space around it`(type: String) async throws {
        try await TestServer.run { server in
            let headers: HTTPFields = [.contentType: type]
            let answer = try await server.send(.post, "/v1/tenants", #"{"name":"acme"}"#, headers: headers)
            #expect(answer.status == 201)
        }
    }

    @Test(arguments: ["", " ", ";application/json", "application/jsonp", "text/json"])
    func `another media type is refused`(type: String) async throws {
        try await TestServer.run { server in
            let headers: HTTPFields = [.contentType: type]
            let answer = try await server.send(.post, "/v1/tenants", #"{"name":"acme"}"#, headers: headers)
            #expect(answer.status == 415 && answer.problem == "unsupported-media-type")
        }
    }

    @Test(arguments: ["Bearer ", "bearer ", "BEARER "])
    func `the scheme of a token counts whatever its case`(scheme: String) async throws {
        try await TestServer.run { server in
            let headers: HTTPFields = [.authorization: scheme + TestServer.token]
            let answer = try await server.send(.get, "/v1/tenants", headers: headers)
            #expect(answer.status == 200)
        }
    }

    @Test func `a name may be percent-encoded`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let answer = try await server.send(.get, "/v1/tenants/%61cme/services/o%72ders")
            #expect(answer.status == 200 && answer.json["name"] == "orders")
            #expect(try await server.send(.get, "/v1/tenants/acme/services/%zz").status == 404)
        }
    }
}

@Suite struct ReadTests {
    @Test func `200 by name and by id is the same resource`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let byName = try await server.send(.get, "/v1/tenants/acme/routes/orders")
            let id = try #require(byName.json["id"]?.string)
            let tenant = try #require(try await server.send(.get, "/v1/tenants/acme").json["id"]?.string)
            let byID = try await server.send(.get, "/v1/tenants/\(tenant)/routes/\(id)")
            #expect(byName.status == 200 && byName.json == byID.json)
        }
    }

    @Test func `304 where the client's copy is current`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let tag = try #require(try await server.send(.get, "/v1/tenants/acme")[header: "ETag"])
            for tags in [tag, "W/\(tag)", "\"0\", W/\(tag)", "*"] {
                let again = try await server.send(.get, "/v1/tenants/acme", headers: [.ifNoneMatch: tags])
                #expect(again.status == 304 && again.text.isEmpty && again[header: "ETag"] == tag, "\(tags)")
            }
            for tags in ["\"0\"", "\"\"", "W/", "\"*\""] {
                let again = try await server.send(.get, "/v1/tenants/acme", headers: [.ifNoneMatch: tags])
                #expect(again.status == 200, "\(tags)")
            }
        }
    }

    @Test(arguments: [
        "/v1/tenants/nobody", "/v1/tenants/acme/routes/none", "/v1/tenants/nobody/routes", "/v1/nothing", "/",
        "/v1/tenants/acme/api-keys/key_00000000000000000000000000",
    ])
    func `404 for what is not there`(path: String) async throws {
        try await TestServer.run { server in
            try await server.seed()
            let answer = try await server.send(.get, path)
            #expect(answer.status == 404 && answer.problem == "not-found", "\(answer.text)")
            #expect(answer[header: "Content-Type"] == "application/problem+json")
        }
    }

    @Test func `405 names the methods that are allowed`() async throws {
        try await TestServer.run { server in
            let answer = try await server.send(.delete, "/v1/tenants")
            #expect(answer.status == 405 && answer.problem == "method-not-allowed")
            #expect(answer[header: "Allow"] == "GET, HEAD, OPTIONS, POST")
            let query = try await server.send(try #require(HTTPRequest.Method("QUERY")), "/v1/tenants")
            #expect(query.status == 405 && query[header: "Allow"] == "GET, HEAD, OPTIONS, POST")
        }
    }

    @Test func `a filter by a field that the kind does not have is refused`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            #expect(try await server.send(.get, "/v1/tenants?timeZone=Europe/Berlin").json["data"]?.array?.count == 1)
            #expect(try await server.send(.get, "/v1/tenants?id=ten_1").json["data"]?.array?.isEmpty == true)
            let wrong = try await server.send(.get, "/v1/tenants?timezone=Europe/Berlin")
            #expect(wrong.status == 400 && wrong.problem == "invalid-parameter")
        }
    }

    @Test func `OPTIONS names the methods too`() async throws {
        try await TestServer.run { server in
            let answer = try await server.send(.options, "/v1/tenants/acme")
            #expect(answer.status == 204 && answer[header: "Allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, PUT")
        }
    }

    @Test func `a read waits for the revision that it must see`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            #expect(try await server.send(.get, "/v1/tenants/acme?minRevision=4").status == 200)
            async let early = server.send(.get, "/v1/tenants/acme/routes?minRevision=5")
            await Task.yield()
            #expect(try await server.send(.post, "/v1/tenants", #"{"name":"umbra"}"#).status == 201)
            #expect(try await early.status == 200)
            #expect(try await server.send(.get, "/v1/tenants/acme?minRevision=-1").status == 400)
        }
    }

    @Test(arguments: [
        "/v1/changes", "/v1/audit", "/v1/revisions/4", "/v1/revisions/4/rollout", "/v1/tenants/acme/usage",
        "/v1/tenants/acme/quotas/monthly/state", "/v1/export", "/v1/tenants", "/v1/tenants/acme/quotas/monthly",
    ])
    func `any read waits for the revision that it must see`(path: String) async throws {
        try await TestServer.run { server in
            try await server.seed()
            let quota = #"{"limit":5,"period":"month"}"#
            #expect(try await server.send(.put, "/v1/tenants/acme/quotas/monthly", quota).status == 201)
            async let early = server.send(.get, "\(path)?minRevision=6")
            await Task.yield()
            #expect(try await server.send(.post, "/v1/tenants", #"{"name":"umbra"}"#).status == 201)
            let answer = try await early
            #expect(answer.status == 200 && answer[header: "Turnpike-Revision"] == "6", "\(answer.text)")
        }
    }

    @Test func `HEAD answers like GET, without the body`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let answer = try await server.send(.head, "/v1/tenants/acme")
            #expect(answer.status == 200 && answer.text.isEmpty && answer[header: "ETag"] != nil)
        }
    }
}

@Suite struct ChangeTests {
    @Test func `put creates once and then changes nothing`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let again = try await server.send(.put, "/v1/tenants/acme/services/orders", Bodies.service)
            let revision = server.control.revision
            #expect(again.status == 200)
            _ = try await server.send(.put, "/v1/tenants/acme/services/orders", Bodies.service)
            #expect(server.control.revision == revision)
        }
    }

    @Test func `patch changes what it names and removes what it nulls`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let patched = try await server.send(
                .patch, "/v1/tenants/acme/routes/orders", #"{"priority":7,"auth":null,"match":{"methods":["PUT"]}}"#,
                headers: [.contentType: "application/merge-patch+json"])
            #expect(patched.status == 200 && patched.json["priority"] == 7 && patched.json["auth"] == nil)
            #expect(
                patched.json["match"]?["methods"] == ["PUT"] && patched.json["match"]?["hosts"] == ["api.acme.test"])
        }
    }

    @Test(arguments: ["labels", "auth", "priority", "tenant"])
    func `null is a fault wherever it is no patch`(field: String) async throws {
        try await TestServer.run { server in
            try await server.seed()
            let route =
                #"{"name":"new","match":{"hosts":["api.acme.test"],"paths":[{"exact":"/n"}]},"backends":[{"service":"orders"}],"\#(field)":null}"#
            let bundle = #"{"resources":[{"kind":"tenant","name":"umbra","spec":{},"labels":null}],"prune":null}"#
            for (method, path, body, fault) in [
                (.post, "/v1/tenants/acme/routes", route, ["/\(field) type"]),
                (.put, "/v1/tenants/acme/routes/new", route, ["/\(field) type"]),
                (.post, "/v1/apply", bundle, ["/resources/0/labels type", "/prune type"]),
            ] as [(HTTPRequest.Method, String, String, Set<String>)] {
                let answer = try await server.send(method, path, body)
                #expect(answer.status == 422 && answer.faults == fault, "\(path)")
            }
        }
    }

    @Test func `412 where somebody else was faster`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let tag = try #require(try await server.send(.get, "/v1/tenants/acme")[header: "ETag"])
            #expect(
                try await server.send(.patch, "/v1/tenants/acme", #"{"displayName":"A"}"#, headers: [.ifMatch: tag])
                    .status == 200)
            let late = try await server.send(
                .patch, "/v1/tenants/acme", #"{"displayName":"B"}"#, headers: [.ifMatch: tag])
            #expect(late.status == 412 && late.problem == "precondition-failed")
            #expect(try await server.send(.get, "/v1/tenants/acme").json["displayName"] == "A")
        }
    }

    @Test func `a write can ask that the resource is there, or is not, or has one of several tags`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let path = "/v1/tenants/acme/services/new"
            let missing = try await server.send(.put, path, Bodies.service, headers: [.ifMatch: "*"])
            #expect(missing.status == 412)
            let made = try await server.send(.put, path, Bodies.service, headers: [.ifNoneMatch: "*"])
            #expect(made.status == 201)
            let again = try await server.send(.put, path, Bodies.service, headers: [.ifNoneMatch: "*"])
            #expect(again.status == 412 && again.problem == "precondition-failed")
            let tags = #""1", \#(made[header: "ETag"] ?? "")"#
            let port = #"{"endpoints":[{"host":"127.0.0.1","port":9002}]}"#
            #expect(try await server.send(.put, path, port, headers: [.ifMatch: tags]).status == 200)
            #expect(try await server.send(.put, path, port, headers: [.ifMatch: "\"nonsense\""]).status == 412)
            let current = try #require(try await server.send(.get, path)[header: "ETag"])
            #expect(try await server.send(.put, path, port, headers: [.ifMatch: "W/\(current)"]).status == 412)
            #expect(
                try await server.send(.put, path, port, headers: [.ifMatch: "W/\(current), \(current)"]).status == 200)
            #expect(try await server.send(.delete, path, headers: [.ifMatch: "*"]).status == 204)
            #expect(try await server.send(.put, path, port, headers: [.ifNoneMatch: "\"1\""]).status == 400)
        }
    }

    @Test func `a dry run checks everything and stores nothing`() async throws {
        try await TestServer.run { server in
            let revision = server.control.revision
            let answer = try await server.send(.post, "/v1/tenants?dryRun=true", #"{"name":"acme"}"#)
            #expect(answer.status == 201 && answer.json["name"] == "acme")
            #expect(server.control.revision == revision)
            #expect(try await server.send(.get, "/v1/tenants/acme").status == 404)
            #expect(try await server.send(.post, "/v1/tenants?dryRun=true", #"{"name":"-"}"#).status == 422)
        }
    }
}

@Suite struct DeleteTests {
    @Test func `204 and it is gone`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            #expect(try await server.send(.delete, "/v1/tenants/acme/routes/orders").status == 204)
            #expect(try await server.send(.get, "/v1/tenants/acme/routes/orders").status == 404)
            #expect(try await server.send(.delete, "/v1/tenants/acme/routes/orders").status == 404)
        }
    }

    @Test func `a dry run tells which workers it would touch, and leaves the resource there`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let path = "/v1/tenants/acme/routes/orders"
            let alone = try await server.send(.delete, path + "?dryRun=true")
            #expect(alone.status == 200 && alone.json == ["workers": .array([])])
            let stream = try await server.openStream()
            let watched = try await server.send(.delete, path + "?dryRun=true")
            #expect(watched.status == 200 && watched.json == ["workers": ["gw-1"]])
            #expect(try await server.send(.get, path).status == 200)
            stream.close()
        }
    }

    @Test func `a deletion asks nothing of connected workers, whatever they cannot do`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let limit = #"{"kind":"rateLimit","per":"key","limit":100,"interval":"1s"}"#
            for name in ["burst", "other"] {
                let policy = try await server.send(.put, "/v1/tenants/acme/policies/\(name)", limit)
                #expect(policy.status == 201, "\(policy.text)")
            }
            let stream = try await server.openStream(capabilities: [])
            let watched = try await server.send(.delete, "/v1/tenants/acme/policies/burst?dryRun=true")
            #expect(watched.status == 200 && watched.json == ["workers": ["gw-1"]], "\(watched.text)")
            #expect(try await server.send(.delete, "/v1/tenants/acme/policies/burst").status == 204)
            stream.close()
        }
    }

    @Test func `409 names those who still refer to it`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let service = try await server.send(.delete, "/v1/tenants/acme/services/orders")
            #expect(service.status == 409 && service.problem == "still-referenced" && service.text.contains("orders"))
            #expect(try await server.send(.delete, "/v1/tenants/acme").status == 409)
        }
    }
}

@Suite struct ListTests {
    @Test func `pages follow one another, once each, whatever is written in between`() async throws {
        try await TestServer.run { server in
            for index in 0..<25 {
                #expect(
                    try await server.send(
                        .post, "/v1/tenants", #"{"name":"t\#(index)","labels":{"even":"\#(index % 2 == 0)"}}"#
                    ).status == 201)
            }
            var names: [String] = []
            var next: String? = "/v1/tenants?limit=10"
            while let path = next {
                let page = try await server.send(.get, path)
                #expect(page.status == 200)
                names += (page.json["data"]?.array ?? []).compactMap { $0["name"]?.string }
                next = page.json["next"]?.string
                // Before the place where the reader stands: must not shift what follows.
                _ = try await server.send(.put, "/v1/tenants/aaa\(names.count)", "{}")
            }
            #expect(names == (0..<25).map { "t\($0)" }.sorted())
        }
    }

    @Test func `labels and fields filter, and the cursor keeps the filter`() async throws {
        try await TestServer.run { server in
            for index in 0..<9 {
                _ = try await server.send(
                    .post, "/v1/tenants",
                    #"{"name":"t\#(index)","displayName":"D\#(index % 3)","labels":{"even":"\#(index % 2 == 0)"}}"#)
            }
            let even = try await server.send(.get, "/v1/tenants?label=even:true&limit=3")
            #expect(even.json["data"]?.array?.compactMap { $0["name"]?.string } == ["t0", "t2", "t4"])
            let rest = try await server.send(.get, try #require(even.json["next"]?.string))
            #expect(rest.json["data"]?.array?.compactMap { $0["name"]?.string } == ["t6", "t8"])
            let field = try await server.send(.get, "/v1/tenants?displayName=D1")
            #expect(field.json["data"]?.array?.count == 3 && field.json["next"] == .null)
        }
    }
}
