// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Testing
import TurnpikeControl
import TurnpikeModel
import TurnpikeTestSupport

private let bundle =
    #"{"resources":[{"kind":"route","tenant":"acme","name":"orders","labels":{"by":"ci"},"spec":\#(Bodies.route)},{"kind":"service","tenant":"acme","name":"orders","spec":\#(Bodies.service)},{"kind":"tenant","name":"acme"},{"kind":"apiKey","tenant":"acme","name":"p"}]}"#

@Suite struct ApplyTests {
    @Test func `200 applies all as one revision, whatever the order`() async throws {
        try await TestServer.run { server in
            let before = server.control.revision
            let answer = try await server.send(.post, "/v1/apply", bundle)
            #expect(answer.status == 200 && answer.json["revision"] == .integer(before + 1), "\(answer.text)")
            #expect(answer.json["changes"]?.array?.count == 4)
            #expect(
                answer.json["changes"]?.array?.contains { $0["key"]?.string?.hasPrefix("tp_live_") == true } == true)

            let again = try await server.send(.post, "/v1/apply", bundle)
            #expect(again.json["changes"] == [] && again.json["unchanged"] == 4)
            #expect(server.control.revision == before + 1)

            let record = try await server.send(.get, "/v1/revisions/\(before + 1)")
            #expect(record.status == 200 && record.json["actor"] == "operator:bootstrap")
            #expect(record.json["changes"]?.array?.count == 4 && !record.text.contains("digest"))
        }
    }

    @Test func `422 applies nothing where one item is bad`() async throws {
        try await TestServer.run { server in
            let before = server.control.revision
            let bad =
                #"{"resources":[{"kind":"tenant","name":"acme"},{"kind":"route","tenant":"acme","name":"r","spec":\#(Bodies.route)}]}"#
            let answer = try await server.send(.post, "/v1/apply", bad)
            #expect(
                answer.status == 422 && answer.faults == ["/resources/1/spec/backends/0/service reference"],
                "\(answer.text)")
            #expect(server.control.revision == before)
            #expect(try await server.send(.get, "/v1/tenants/acme").status == 404)
        }
    }

    @Test func `prune deletes what carries the labels and is not in the bundle`() async throws {
        try await TestServer.run { server in
            _ = try await server.send(.post, "/v1/apply", bundle)
            let pruning =
                #"{"resources":[{"kind":"route","tenant":"acme","name":"new","labels":{"by":"ci"},"spec":\#(Bodies.route)}],"prune":{"labels":{"by":"ci"}}}"#
            let answer = try await server.send(.post, "/v1/apply", pruning)
            #expect(answer.status == 200, "\(answer.text)")
            #expect(try await server.send(.get, "/v1/tenants/acme/routes/orders").status == 404)
            #expect(try await server.send(.get, "/v1/tenants/acme/routes/new").status == 200)
            #expect(try await server.send(.get, "/v1/tenants/acme/services/orders").status == 200)
        }
    }

    @Test func `a bound token's bundle has a bound of its own, judged before it is read`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let made = try await server.send(.post, "/v1/operators", #"{"name":"x","tenant":"acme"}"#)
            let bound: HTTPFields = [.authorization: "Bearer \(made.json["token"]?.string ?? "")"]
            let large = "{" + String(repeating: " ", count: 8 << 20)
            let refused = try await server.send(.post, "/v1/apply", large, headers: bound)
            #expect(refused.status == 413 && refused.problem == "body-too-large")
            // Read and found wanting.
            #expect(try await server.send(.post, "/v1/apply", large).status == 400)
        }
    }

    @Test func `a bundle may come as YAML, another body may not`() async throws {
        try await TestServer.run { server in
            for type in ["application/yaml", "Application/YAML; charset=utf-8"] {
                let applied = try await server.send(.post, "/v1/apply", bundle, headers: [.contentType: type])
                #expect(applied.status == 200, "\(applied.text)")
            }
            let yaml: HTTPFields = [.contentType: "application/yaml"]
            let bad = try await server.send(.post, "/v1/apply", "resources: [", headers: yaml)
            #expect(bad.status == 400 && bad.problem == "invalid-yaml" && bad.text.contains("Line 1"))
            let huge = String(repeating: " ", count: (16 << 20) + 1)
            #expect(try await server.send(.post, "/v1/apply", huge, headers: yaml).status == 413)
            #expect(try await server.send(.post, "/v1/tenants", #"{"name":"x"}"#, headers: yaml).status == 415)
        }
    }

    @Test func `the reason and the request's id are in the log`() async throws {
        try await TestServer.run { server in
            let reason = try #require(HTTPField.Name("X-Turnpike-Reason"))
            let id = try #require(HTTPField.Name("X-Request-Id"))
            let answer = try await server.send(
                .post, "/v1/tenants", #"{"name":"acme"}"#, headers: [reason: "ticket 7", id: "r-1"])
            let record = try await server.send(.get, "/v1/revisions/\(answer.json["revision"]?.integer ?? 0)")
            #expect(record.json["reason"] == "ticket 7" && record.json["requestId"] == "r-1")
            #expect(record.json["changes"]?[0]?["effect"] == "created")
        }
    }
}
