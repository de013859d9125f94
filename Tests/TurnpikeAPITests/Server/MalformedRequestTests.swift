// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeTelemetry

/// What clients get whose HTTP is wrong, old, or careful.
@Suite struct MalformedRequestTests {
    private static let token =
        "Host: x\r\nAuthorization: Bearer \(TestServer.token)\r\nContent-Type: application/json\r\n"
    private static let post = "POST /v1/tenants HTTP/1.1\r\n" + token

    @Test(arguments: [
        ("BREW /v1/tenants HTTP/1.1\r\nHost: x\r\n\r\n", ErrorCode.malformedRequest),
        ("\u{16}\u{3}\u{1}\r\n\r\n", .malformedRequest),
        ("GET /healthz HTTP/1.1\r\nHost: x\r\nX: \(String(repeating: "a", count: 100_000))\r\n\r\n", .headersTooLarge),
        (post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", .malformedRequest),
        // In the body, once the request is on its way through the router.
        (post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", .malformedRequest),
    ])
    func `who sends what is no HTTP gets a problem with a request id, and no more`(
        sent: String, code: ErrorCode
    )
        async throws
    {
        try await LiveServer.run { server in
            let connection = try RawConnection(to: server)
            connection.send(sent)
            let answer = try await connection.receive(until: "\n}")
            #expect(answer.hasPrefix("HTTP/1.1 \(code.status) "), "\(answer)")
            #expect(answer.contains("Content-Type: application/problem+json"))
            let parts = answer.split(separator: "\r\n\r\n")
            let problem = try JSON.parse(String(parts.last ?? ""))
            #expect(problem["type"]?.string == code.type && problem["detail"]?.string?.isEmpty == false)
            let id = try #require(problem["requestId"]?.string)
            #expect(id.hasPrefix("req_") && answer.contains("X-Request-Id: \(id)"))
            #expect(answer.contains("Turnpike-Revision: 1\r\n"))
            #expect(await connection.isClosed())
            #expect(server.metrics.render().contains(#"status_class="4xx"} 1"#))
            #expect(!server.metrics.render().contains(#"status_class="5xx""#))
        }
    }

    @Test func `a request before a malformed one is answered`() async throws {
        try await LiveServer.run { server in
            let connection = try RawConnection(to: server)
            connection.send(LiveServer.get("/healthz") + "BREW / HTTP/1.1\r\n\r\n")
            let answers = try await connection.receive(until: "malformed-request")
            #expect(answers.hasPrefix("HTTP/1.1 200 ") && answers.contains("HTTP/1.1 400 "))
        }
    }

    @Test(arguments: ["", "Connection: close\r\n"])
    func `a client of HTTP 1.0 has its connection closed after the answer`(header: String) async throws {
        try await LiveServer.run { server in
            let connection = try RawConnection(to: server)
            connection.send("GET /healthz HTTP/1.0\r\n\(header)\r\n")
            #expect(try await connection.receive(until: "\"ok\"").hasPrefix("HTTP/1.1 200 "))
            #expect(await connection.isClosed())
        }
    }

    @Test func `a client of HTTP 1.0 that asks to keep its connection keeps it`() async throws {
        try await LiveServer.run { server in
            let connection = try RawConnection(to: server)
            for _ in 0..<2 {
                connection.send("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                #expect(try await connection.receive(until: "\"ok\"").hasPrefix("HTTP/1.1 200 "))
            }
        }
    }

    @Test func `who asks before sending a body is told to, once it is known who it is`() async throws {
        try await LiveServer.run { server in
            let body = #"{"name":"acme"}"#
            let asking = Self.post + "Content-Length: \(body.utf8.count)\r\nExpect: 100-continue\r\n\r\n"
            let connection = try RawConnection(to: server)
            for status in [201, 409] {
                connection.send(asking)
                #expect(try await connection.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100 Continue"))
                connection.send(body)
                #expect(try await connection.receive(until: "\n}").hasPrefix("HTTP/1.1 \(status) "))
            }
            let stranger = try RawConnection(to: server)
            stranger.send(asking.replacing(TestServer.token, with: "nobody"))
            #expect(try await stranger.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 401 "))
        }
    }
}
