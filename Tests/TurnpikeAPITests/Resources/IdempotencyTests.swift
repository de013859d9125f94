// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Testing
import TurnpikeControl
import TurnpikeModel
import TurnpikeTestSupport

@Suite struct IdempotencyTests {
    private func headers(_ key: String) throws -> HTTPFields { [try #require(HTTPField.Name("Idempotency-Key")): key] }
    private let keys = "/v1/tenants/acme/api-keys"

    @Test func `the same key and request are answered as the first time, secret and all`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let first = try await server.send(.post, keys, #"{"name":"partner"}"#, headers: headers("k-1"))
            #expect(first.status == 201 && first[header: "Idempotency-Replayed"] == nil)
            // Other writes come in between.
            #expect(try await server.send(.put, "\(keys)/other", "{}").status == 201)
            let second = try await server.send(.post, keys, #"{"name":"partner"}"#, headers: headers("k-1"))
            #expect(second.status == 201 && second[header: "Idempotency-Replayed"] == "true")
            #expect(second.json == first.json && second.json["key"] != nil)
            #expect(second[header: "Turnpike-Revision"] == first[header: "Turnpike-Revision"])
            #expect(second[header: "ETag"] == first[header: "ETag"])
        }
    }

    @Test func `how long the client waits is no part of what it asks for`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let body = #"{"name":"partner"}"#
            let first = try await server.send(.post, keys, body, headers: headers("k-1"))
            for query in ["?wait=applied", "?timeout=1s&wait=applied", "?wait=applied&timeout=2s"] {
                let again = try await server.send(.post, keys + query, body, headers: headers("k-1"))
                #expect(again.status == 201 && again[header: "Idempotency-Replayed"] == "true", "\(query)")
                #expect(again.json["key"] == first.json["key"])
            }
        }
    }

    @Test func `the same key with another request is refused`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            #expect(try await server.send(.post, keys, #"{"name":"a"}"#, headers: headers("k-1")).status == 201)
            let other = try await server.send(.post, keys, #"{"name":"b"}"#, headers: headers("k-1"))
            #expect(other.status == 422 && other.problem == "idempotency-key-reused")
            #expect(try await server.send(.get, "\(keys)/b").status == 404)
        }
    }

    @Test func `a request that failed may be tried again with its key`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let body = #"{"name":"k","routes":["late"]}"#
            #expect(try await server.send(.post, keys, body, headers: headers("k-1")).status == 422)
            #expect(try await server.send(.put, "/v1/tenants/acme/routes/late", Bodies.route).status == 201)
            #expect(try await server.send(.post, keys, body, headers: headers("k-1")).status == 201)
        }
    }

    @Test func `of requests that come at once with one key, one is carried out`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let headers = try headers("k-1")
            let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        try await server.send(
                            .post, "/v1/apply", #"{"resources":[{"kind":"apiKey","tenant":"acme","name":"k"}]}"#,
                            headers: headers)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.allSatisfy { $0.status == 200 })
            #expect(Set(answers.map(\.text)).count == 1)
            #expect(answers.count { $0[header: "Idempotency-Replayed"] == nil } == 1)
            #expect(answers[0].json["changes"]?[0]?["key"]?.string?.hasPrefix("tp_live_") == true)
        }
    }

    @Test func `a key is its caller's own, and forgotten after a day`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let made = try await server.send(.post, "/v1/operators", #"{"name":"ops"}"#)
            var other = try headers("k-1")
            other[.authorization] = "Bearer \(made.json["token"]?.string ?? "")"
            #expect(try await server.send(.post, keys, #"{"name":"a"}"#, headers: headers("k-1")).status == 201)
            #expect(try await server.send(.post, keys, #"{"name":"b"}"#, headers: other).status == 201)
            server.clock.advance(by: .seconds(86_401))
            await server.control.maintain()
            let late = try await server.send(.post, keys, #"{"name":"a"}"#, headers: headers("k-1"))
            #expect(late.status == 409 && late.problem == "already-exists")
        }
    }

    @Test func `a key must have 1 to 255 bytes`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            for key in ["", String(repeating: "k", count: 256)] {
                let answer = try await server.send(.post, keys, #"{"name":"a"}"#, headers: headers(key))
                #expect(answer.status == 400)
            }
        }
    }
}
