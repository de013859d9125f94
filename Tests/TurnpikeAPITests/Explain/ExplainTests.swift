// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Testing
import TurnpikeModel

@Suite struct ExplainTests {
    private func explain(_ server: TestServer, _ body: String, headers: HTTPFields = [:]) async throws -> JSON {
        let answer = try await server.send(.post, "/v1/explain", body, headers: headers)
        #expect(answer.status == 200, "\(answer.text)")
        return answer.json
    }

    private func route(_ path: String, host: String = "api.acme.test", methods: String = "[]") -> String {
        #"{"match":{"hosts":["\#(host)"],"paths":[\#(path)],"methods":\#(methods)},"backends":[{"service":"orders"}]}"#
    }

    @Test func `the selected route comes first, and each other says why it lost`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            for (name, body) in [
                ("exact", route(#"{"exact":"/v1/orders/7"}"#)),
                ("posts", route(#"{"exact":"/v1/orders/7"}"#, methods: #"["POST"]"#)),
                ("elsewhere", route(#"{"prefix":"/v2"}"#)), ("wild", route(#"{"prefix":"/"}"#, host: "*.acme.test")),
            ] {
                #expect(try await server.send(.put, "/v1/tenants/acme/routes/\(name)", body).status == 201)
            }
            let json = try await explain(server, #"{"host":"API.acme.test:8000","path":"/v1//orders/./7?x=1"}"#)
            #expect(json["path"] == "/v1/orders/7")
            #expect(json["route"] == ["tenant": "acme", "name": "exact"])
            let verdicts = (json["candidates"]?.array ?? []).map {
                "\($0["name"]?.string ?? "") \($0["verdict"]?.string ?? "")"
            }
            #expect(verdicts.first == "exact selected")
            #expect(
                Set(verdicts) == [
                    "exact selected", "orders precedence", "wild precedence", "posts method", "elsewhere path",
                ])
            #expect(json["outcome"] == ["forwarded": true])
        }
    }

    @Test func `an explanation waits for the revision that it must see`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let question = #"{"host":"api.acme.test","path":"/late"}"#
            async let early = server.send(.post, "/v1/explain?minRevision=5", question)
            await Task.yield()
            let body = route(#"{"exact":"/late"}"#)
            #expect(try await server.send(.put, "/v1/tenants/acme/routes/late", body).status == 201)
            #expect(try await early.json["route"]?["name"] == "late")
        }
    }

    @Test func `no route, and no method, are told apart`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            #expect(try await explain(server, #"{"host":"other.test","path":"/"}"#)["outcome"]?["status"] == 404)
            let method = try await explain(server, #"{"method":"PUT","host":"api.acme.test","path":"/v1/orders"}"#)
            #expect(method["outcome"]?["status"] == 405 && method["route"] == .null)
            let bad = try await server.send(.post, "/v1/explain", #"{"host":"api.acme.test","path":"/a/../../b"}"#)
            #expect(bad.status == 400 && bad.problem == "malformed-request")
            #expect(bad.json["detail"]?.string == "A gateway refuses such a request: path climbs above root.")
            #expect(try await server.send(.post, "/v1/explain", #"{"path":"/"}"#).faults == ["/host required"])
        }
    }

    @Test func `what a condition is in the way of is told, with the condition`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            func conditional(_ match: String) -> String {
                #"{"match":{"hosts":["api.acme.test"],"paths":[{"prefix":"/v1/orders"}],\#(match)},"backends":[{"service":"orders"}]}"#
            }
            for (name, match) in [
                ("v2", #""headers":[{"name":"X-Api-Version","exact":"2"}]"#),
                ("beta", #""query":[{"name":"beta","present":true}],"condition":"method in ['GET','HEAD']""#),
                ("inside", #""condition":"address in ['10.0.0.0/8']""#),
            ] {
                let body = conditional(match)
                #expect(try await server.send(.put, "/v1/tenants/acme/routes/\(name)", body).status == 201)
            }
            func details(_ body: String) async throws -> (route: String?, details: [String: String]) {
                let json = try await explain(server, body)
                var details: [String: String] = [:]
                for candidate in json["candidates"]?.array ?? [] where candidate["verdict"] == "condition" {
                    details[candidate["name"]?.string ?? ""] = candidate["detail"]?.string
                }
                return (json["route"]?["name"]?.string, details)
            }
            let none = try await details(
                #"{"host":"api.acme.test","path":"/v1/orders/7","headers":{"x-api-version":"1"},"address":"192.0.2.1"}"#
            )
            #expect(none.route == "orders")
            #expect(
                none.details == [
                    "v2": "The header x-api-version is not '2'.", "beta": "The query parameter beta is not there.",
                    "inside": "The client's address is not within 10.0.0.0/8.",
                ])
            #expect(
                try await details(#"{"host":"api.acme.test","path":"/v1/orders","headers":{"X-Api-Version":"2"}}"#)
                    .route
                    == "v2")
            #expect(
                try await details(#"{"host":"api.acme.test","path":"/v1/orders","address":"10.1.2.3"}"#).route
                    == "inside")
            // Two conditions come before one.
            let both = #"{"host":"api.acme.test","path":"/v1/orders?a=1&beta","headers":{"x-api-version":"2"}}"#
            #expect(try await details(both).route == "beta")
            let bad = #"{"host":"a","path":"/","headers":{"Host":"b","a b":"c","x":1},"address":"10"}"#
            #expect(
                Set(try await server.send(.post, "/v1/explain", bad).faults) == [
                    "/headers/Host format", "/headers/a b format", "/headers/x type", "/address format",
                ])
        }
    }

    @Test func `an answer of the route's own, and what a rewrite makes, are told`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            for (name, body) in [
                (
                    "old",
                    #"{"match":{"hosts":["api.acme.test"],"paths":[{"template":"/old/{id}"}]},"redirect":{"status":308,"location":"/v1/orders/{id}{query}"}}"#
                ),
                (
                    "health",
                    #"{"match":{"hosts":["api.acme.test"],"paths":[{"exact":"/health"}]},"respond":{"body":"fine"}}"#
                ),
                (
                    "inner",
                    #"{"match":{"hosts":["api.acme.test"],"paths":[{"prefix":"/outer"}]},"backends":[{"service":"orders"}],"rewrite":{"prefix":"/inner","host":"orders.internal"}}"#
                ),
            ] {
                #expect(try await server.send(.put, "/v1/tenants/acme/routes/\(name)", body).status == 201)
            }
            func outcome(_ path: String) async throws -> JSON? {
                try await explain(server, #"{"host":"api.acme.test","path":"\#(path)"}"#)["outcome"]
            }
            #expect(
                try await outcome("/old/7?a=b") == ["forwarded": false, "status": 308, "location": "/v1/orders/7?a=b"])
            #expect(try await outcome("/health") == ["forwarded": false, "status": 200])
            #expect(
                try await outcome("/outer//x?y=1") == [
                    "forwarded": true, "path": "/inner/x", "host": "orders.internal",
                ])
        }
    }

    @Test func `key, rate limit and quota are explained in the order of their checks`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let made = try await server.send(.post, "/v1/tenants/acme/api-keys", #"{"name":"partner"}"#)
            let secret = made.json["key"]?.string ?? ""
            for (path, body) in [
                ("quotas/monthly", #"{"limit":5,"period":"month"}"#),
                ("policies/burst", #"{"kind":"rateLimit","per":"key","limit":100,"interval":"1s"}"#),
                ("api-keys/narrow", #"{"routes":["other"]}"#), ("api-keys/off", #"{"enabled":false}"#),
            ] {
                if path == "api-keys/narrow" {
                    let other = route(#"{"exact":"/other"}"#)
                    #expect(try await server.send(.put, "/v1/tenants/acme/routes/other", other).status == 201)
                }
                #expect(try await server.send(.put, "/v1/tenants/acme/\(path)", body).status == 201)
            }
            func asked(_ key: String) -> String { #"{"host":"api.acme.test","path":"/v1/orders"\#(key)}"# }
            for key in ["partner", secret, made.json["id"]?.string ?? ""] {
                let json = try await explain(server, asked(#","key":"\#(key)""#))
                let steps = json["steps"]?.array ?? []
                #expect(steps.map { $0["check"]?.string } == ["apiKey", "rateLimit", "quota"])
                #expect(steps.map { $0["outcome"]?.string } == ["passes", "depends", "passes"])
                #expect(steps[2]["state"]?["remaining"] == 5 && json["outcome"] == ["forwarded": true])
            }
            for (key, status) in [
                ("", 401), (#","key":"nobody""#, 401), (#","key":"off""#, 401), (#","key":"narrow""#, 403),
            ] {
                let json = try await explain(server, asked(key))
                #expect(json["outcome"]?["status"]?.integer == Int64(status), "\(key)")
            }
        }
    }

    @Test(
        arguments: [
            (#"{}"#, "passes", nil), (#"{"content-length":"8"}"#, "passes", nil),
            (#"{"content-length":"9"}"#, "refuses", 413), (#"{"transfer-encoding":"chunked"}"#, "depends", nil),
        ] as [(String, String, Int64?)])
    func `a bound of content is explained by what the headers announce`(
        headers: String, outcome: String, status: Int64?
    ) async throws {
        try await TestServer.run { server in
            try await server.seed()
            let bounded =
                #"{"match":{"hosts":["api.acme.test"],"paths":[{"exact":"/b"}]},"auth":{"anyOf":[{"apiKey":{}}]},"maxContentBytes":8,"backends":[{"service":"orders"}]}"#
            for (path, body) in [
                ("routes/bounded", bounded),
                ("policies/burst", #"{"kind":"rateLimit","per":"tenant","limit":100,"interval":"1s"}"#),
                ("api-keys/partner", "{}"),
            ] {
                #expect(try await server.send(.put, "/v1/tenants/acme/\(path)", body).status == 201)
            }
            let question =
                #"{"method":"POST","host":"api.acme.test","path":"/b","headers":\#(headers),"key":"partner"}"#
            let json = try await explain(server, question)
            let steps = json["steps"]?.array ?? []
            #expect(steps.map { $0["check"]?.string } == ["apiKey", "maxContentBytes", "rateLimit"])
            #expect(steps[1]["outcome"]?.string == outcome && steps[1]["detail"]?.string?.contains("8 bytes") == true)
            #expect(json["outcome"]?["status"]?.integer == status)
            // Who has no key is told nothing else.
            let keyless = try await explain(server, question.replacing("partner", with: "nobody"))
            #expect(keyless["outcome"]?["status"] == 401)
        }
    }

    @Test func `services that get copies are told`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let watched =
                #"{"match":{"hosts":["api.acme.test"],"paths":[{"exact":"/w"}]},"backends":[{"service":"orders"}],"mirror":[{"service":"orders","percent":5}]}"#
            #expect(try await server.send(.put, "/v1/tenants/acme/routes/watched", watched).status == 201)
            let json = try await explain(server, #"{"host":"api.acme.test","path":"/w"}"#)
            #expect(json["mirrors"] == [["service": "orders", "percent": 5]])
            #expect(try await explain(server, #"{"host":"api.acme.test","path":"/v1/orders"}"#)["mirrors"] == nil)
        }
    }

    @Test func `the protocol that a request may switch to is told`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let chat =
                #"{"match":{"hosts":["api.acme.test"],"paths":[{"exact":"/chat"}]},"backends":[{"service":"orders"}],"upgrades":{"protocols":["websocket"]}}"#
            #expect(try await server.send(.put, "/v1/tenants/acme/routes/chat", chat).status == 201)
            for (token, outcome) in [
                ("WebSocket", ["forwarded": true, "upgrade": "websocket"]), ("h2c", ["forwarded": true]),
            ] as [(String, JSON)] {
                let json = try await explain(
                    server,
                    #"{"host":"api.acme.test","path":"/chat","headers":{"connection":"upgrade","upgrade":"\#(token)"}}"#
                )
                #expect(json["outcome"] == outcome)
            }
        }
    }

    @Test(
        arguments: [
            (#","zone":"eu-a""#, "eu-a", ["eu-a 2 100.0", "eu-b 1 0.0", " 1 0.0"]),
            (#","zone":"eu-b""#, "eu-b", ["eu-b 1 100.0", "eu-a 2 0.0", " 1 0.0"]),
            (#","zone":"eu-c""#, nil, ["eu-a 2 50.0", "eu-b 1 37.5", " 1 12.5"]),
            ("", nil, ["eu-a 2 50.0", "eu-b 1 37.5", " 1 12.5"]),
        ] as [(String, String?, [String])])
    func `what a gateway of a zone prefers is told for services that mind zones`(
        asked: String, preferred: String?, shares: [String]
    ) async throws {
        try await TestServer.run { server in
            try await server.seed()
            let zoned =
                #"{"endpoints":[{"host":"10.0.0.1","port":80,"zone":"eu-a"},{"host":"10.0.0.2","port":80,"weight":3,"zone":"eu-a"},{"host":"10.0.0.3","port":80,"weight":3,"zone":"eu-b"},{"host":"10.0.0.4","port":80,"weight":0,"zone":"eu-d"},{"host":"10.0.0.5","port":80}],"loadBalancing":{"localityAwareness":{"minHealthyPercent":70}}}"#
            let route =
                #"{"match":{"hosts":["api.acme.test"],"paths":[{"exact":"/z"}]},"backends":[{"service":"zoned"},{"service":"orders"}]}"#
            #expect(try await server.send(.put, "/v1/tenants/acme/services/zoned", zoned).status == 201)
            #expect(try await server.send(.put, "/v1/tenants/acme/routes/zoned", route).status == 201)
            let json = try await explain(server, #"{"host":"api.acme.test","path":"/z"\#(asked)}"#)
            let zones = json["backends"]?[0]?["zones"]
            #expect(zones?["preferred"]?.string == preferred && zones?["minHealthyPercent"] == 70)
            #expect(
                zones?["shares"]?.array?.map {
                    "\($0["zone"]?.string ?? "") \($0["endpoints"]?.text ?? "") \($0["percent"]?.text ?? "")"
                } == shares)
            #expect(json["backends"]?[1]?["zones"] == nil)
            let bad = try await server.send(.post, "/v1/explain", #"{"host":"a","path":"/","zone":"a b"}"#)
            #expect(bad.faults == ["/zone format"])
        }
    }

    @Test func `null counts as absent where the contract permits it, and is a fault elsewhere`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let none = #"{"host":"api.acme.test","path":"/v1/orders","method":null,"key":null,"address":null}"#
            #expect(try await explain(server, none)["route"]?["name"] == "orders")
            let bad = try await server.send(.post, "/v1/explain", none.replacing("}", with: #","headers":null}"#))
            #expect(bad.status == 422 && bad.faults == ["/headers type"])
        }
    }

    @Test func `routes of other tenants are not there for a bound token`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            #expect(try await server.send(.post, "/v1/tenants", #"{"name":"umbra"}"#).status == 201)
            let made = try await server.send(.post, "/v1/operators", #"{"name":"x","role":"viewer","tenant":"umbra"}"#)
            let bound: HTTPFields = [.authorization: "Bearer \(made.json["token"]?.string ?? "")"]
            let json = try await explain(server, #"{"host":"api.acme.test","path":"/v1/orders"}"#, headers: bound)
            #expect(json["route"] == .null && json["candidates"] == [])
        }
    }
}
