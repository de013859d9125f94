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
            #expect(try await server.send(.post, "/v1/explain", #"{"path":"/"}"#).faults == ["/host required"])
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
