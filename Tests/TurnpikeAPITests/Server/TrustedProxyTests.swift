// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeAPI
import TurnpikeControl
import TurnpikeModel

@Suite struct TrustedProxyTests {
    private static let trusting = RequestSources(trusting: [AddressRange("127.0.0.0/8")].compactMap { $0 })

    @Test(arguments: [
        "X-Forwarded-For: 1.1.1.1, 203.0.113.9, 127.0.0.7",
        "Forwarded: for=1.1.1.1, for=\"203.0.113.9:4711\";proto=https",
        "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 203.0.113.9",
    ])
    func `behind a trusted proxy, the audit names the client`(fields: String) async throws {
        try await LiveServer.run {
            $0.sources = Self.trusting
        } _: { server in
            let created = try await create("acme", on: server, fields)
            #expect(created.hasPrefix("HTTP/1.1 201"))
            let told = try await source(on: server)
            #expect(told == "203.0.113.9")
        }
    }

    @Test func `who is no trusted proxy is believed nothing`() async throws {
        try await LiveServer.run { server in
            let fields = "X-Forwarded-For: 203.0.113.9\r\nForwarded: for=203.0.113.9"
            let created = try await create("acme", on: server, fields)
            #expect(created.hasPrefix("HTTP/1.1 201"))
            let told = try await source(on: server)
            #expect(told == "127.0.0.1")
        }
        try await LiveServer.run {
            $0.sources = RequestSources(trusting: [AddressRange("192.0.2.0/24")].compactMap { $0 })
        } _: { server in
            // It cannot get another address slowed down in its stead, either.
            for number in 0..<21 {
                _ = try await ask(server, "X-Forwarded-For: 203.0.113.\(number)", token: "wrong")
            }
            let slowed = try await ask(server, "X-Forwarded-For: 203.0.113.99", token: "wrong")
            #expect(slowed.hasPrefix("HTTP/1.1 429"))
        }
    }

    @Test func `who fails to log in is slowed down alone, not all behind the same proxy`() async throws {
        try await LiveServer.run {
            $0.sources = Self.trusting
        } _: { server in
            for _ in 0..<20 {
                let refused = try await ask(server, "X-Forwarded-For: 203.0.113.9", token: "wrong")
                #expect(refused.hasPrefix("HTTP/1.1 401"))
            }
            let slowed = try await ask(server, "X-Forwarded-For: 203.0.113.9", token: "wrong")
            #expect(slowed.hasPrefix("HTTP/1.1 429"))
            let other = try await ask(server, "X-Forwarded-For: 203.0.113.8", token: "wrong")
            #expect(other.hasPrefix("HTTP/1.1 401"))
        }
    }

    // MARK: Asking

    private func create(_ name: String, on server: LiveServer, _ fields: String) async throws -> String {
        let body = #"{"name":"\#(name)"}"#
        return try await send(
            server, "POST /v1/tenants",
            fields + "\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)",
            TestServer.token, body)
    }

    private func ask(_ server: LiveServer, _ fields: String, token: String) async throws -> String {
        try await send(server, "GET /v1/tenants", fields, token, "")
    }

    private func send(
        _ server: LiveServer, _ line: String, _ fields: String, _ token: String, _ body: String
    ) async throws -> String {
        let connection = try RawConnection(to: server)
        connection.send(
            "\(line) HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer \(token)\r\n\(fields)\r\n\r\n\(body)"
        )
        var answer = ""
        while let part = await connection.receive(), !part.isEmpty { answer += part }
        return answer
    }

    /// Of the newest entry of the log.
    private func source(on server: LiveServer) async throws -> String? {
        let principal = try server.control.authenticate(bearer: TestServer.token)
        let page = try await server.control.records(
            LogQuery(isDescending: true, limit: 1), for: Authority(of: principal))
        return page.records.first?.source
    }
}
