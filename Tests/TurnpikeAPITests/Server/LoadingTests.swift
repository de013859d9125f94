// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeAPI
import TurnpikeControl

@Suite struct LoadingTests {
    @Test func `before the control plane is loaded the port is open, and says so`() async throws {
        try await LiveServer.run(isLoaded: false) { server in
            #expect(try await ask(server, "GET", "/healthz").hasPrefix("HTTP/1.1 200"))
            let readiness = try await ask(server, "GET", "/readyz")
            #expect(readiness.hasPrefix("HTTP/1.1 503") && readiness.contains("It is starting."))
            for (method, path) in [("GET", "/v1/tenants"), ("PUT", "/healthz"), ("GET", "/metrics"), ("GET", "/none")] {
                let answer = try await ask(server, method, path)
                #expect(answer.hasPrefix("HTTP/1.1 503") && answer.contains("problems/not-ready"))
                #expect(answer.contains("\r\nRetry-After: 1\r\n"))
                #expect(answer.contains("\r\nContent-Type: application/problem+json\r\n"))
                #expect(answer.contains("\r\nX-Request-Id: ") && !answer.contains("Turnpike-Revision"))
            }
            server.api.open(server.control)
            #expect(try await ask(server, "GET", "/readyz").hasPrefix("HTTP/1.1 200"))
            #expect(try await ask(server, "GET", "/v1/tenants").hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test func `a connection from before goes on once the control plane is loaded`() async throws {
        try await LiveServer.run(isLoaded: false) { server in
            let connection = try RawConnection(to: server)
            connection.send(LiveServer.get("/v1/tenants"))
            #expect(try await connection.receive(until: "requestId").hasPrefix("HTTP/1.1 503"))
            server.api.open(server.control)
            connection.send(LiveServer.get("/v1/tenants"))
            #expect(try await connection.receive(until: "\"next\"").contains("HTTP/1.1 200"))
        }
    }

    private func ask(_ server: LiveServer, _ method: String, _ target: String) async throws -> String {
        let connection = try RawConnection(to: server)
        connection.send(
            "\(method) \(target) HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer \(TestServer.token)\r\n\r\n"
        )
        var answer = ""
        while let part = await connection.receive(), !part.isEmpty { answer += part }
        return answer
    }
}
