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
