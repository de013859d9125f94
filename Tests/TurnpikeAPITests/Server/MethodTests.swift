// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Testing
import TurnpikeControl
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry

@Suite struct MethodTests {
    @Test func `a method that HTTP does not know is 501, and makes no metric of its own`() async throws {
        try await TestServer.run { server in
            for (name, path) in [("BREW", "/v1/tenants"), ("WHEN", "/v1/nothing"), ("get", "/v1/tenants")] {
                let method = try #require(HTTPRequest.Method(rawValue: name))
                let answer = try await server.send(method, path, headers: [.authorization: "none"])
                #expect(answer.status == 501 && answer.problem == "method-not-supported", "\(name)")
            }
            let operations = server.metrics.render().split(separator: "\n").filter { $0.contains("operation=") }
            #expect(operations.contains { $0.contains(#"operation="other unknown""#) })
            #expect(!operations.contains { $0.contains("BREW") || $0.contains("WHEN") })
        }
    }

    @Test func `a form that is not taken is refused with those that are, and OPTIONS tells what a PATCH takes`()
        async throws
    {
        try await TestServer.run { server in
            try await server.seed()
            let service = "/v1/tenants/acme/services/orders"
            let patches = "application/merge-patch+json, application/json"
            let acceptPatch = try #require(HTTPField.Name("Accept-Patch"))
            #expect(try await server.send(.options, service)[header: "Accept-Patch"] == patches)
            #expect(try await server.send(.options, "/v1/tenants")[header: "Accept-Patch"] == nil)
            let refusals: [(HTTPRequest.Method, String, HTTPField.Name, String)] = [
                (.patch, service, acceptPatch, patches), (.put, service, .accept, "application/json"),
                (.post, "/v1/tenants", .accept, "application/json"),
            ]
            for (method, path, header, taken) in refusals {
                let answer = try await server.send(method, path, "{}", headers: [.contentType: "text/csv"])
                #expect(answer.status == 415 && answer[header: header.rawName] == taken, "\(method) \(answer.text)")
            }
            let packed: HTTPFields = [.contentType: "application/json", .contentEncoding: "gzip"]
            for path in ["/v1/tenants", "/v1/apply"] {
                let answer = try await server.send(.post, path, #"{"name":"x"}"#, headers: packed)
                #expect(answer.status == 415 && answer[header: "Accept-Encoding"] == "identity", "\(answer.text)")
            }
            let plain: HTTPFields = [.contentType: "application/json", .contentEncoding: "identity"]
            #expect(try await server.send(.post, "/v1/tenants", #"{"name":"x"}"#, headers: plain).status == 201)
        }
    }

    @Test func `HEAD of a worker's stream neither opens one nor ends the live one`() async throws {
        try await TestServer.run { server in
            let identity = try await server.join()
            let auth: HTTPFields = [.authorization: "Bearer \(identity.credential)"]
            let worker = try server.control.authenticate(bearer: identity.credential)
            let stream = try server.control.openStream(worker: worker, from: nil)
            #expect(await stream.next() != nil)
            let head = try await server.send(.head, "/v1/workers/\(identity.id)/stream", headers: auth)
            #expect(head.status == 405 && head[header: "Allow"] == "GET, OPTIONS")
            try await server.seed()
            #expect(await stream.next() != nil)
            stream.close()
        }
    }
}
