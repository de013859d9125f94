// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Testing
import TurnpikeModel

@Suite struct AccessLogTests {
    @Test func `a request's line tells who asked, about which tenant, and what came of it`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let read = try await server.send(.get, "/v1/tenants/acme/routes/orders")
            let line = try #require(server.log.request(read[header: "X-Request-Id"]))
            #expect(line["actor"] == "operator:bootstrap" && line["tenant"] == "acme")
            #expect(line["method"] == "GET" && line["path"] == "/v1/tenants/acme/routes/orders")
            #expect(line["status"] == "200" && line["durationMs"] != nil)
            let health = try await server.send(.get, "/healthz")
            let anonymous = try #require(server.log.request(health[header: "X-Request-Id"]))
            #expect(anonymous["actor"] == nil && anonymous["tenant"] == nil)
        }
    }

    @Test func `a bound token's tenant is told where the path names none, also of what is refused`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let made = try await server.send(.post, "/v1/operators", #"{"name":"x","role":"viewer","tenant":"acme"}"#)
            let bound: HTTPFields = [.authorization: "Bearer \(made.json["token"]?.string ?? "")"]
            let refused = try await server.send(.get, "/metrics", headers: bound)
            let line = try #require(server.log.request(refused[header: "X-Request-Id"]))
            #expect(line["status"] == "403" && line["actor"] == "operator:x" && line["tenant"] == "acme")
        }
    }
}
