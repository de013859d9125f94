// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeAPI
import TurnpikeTelemetry

@Suite struct ConnectionLimitTests {
    @Test(arguments: [
        "", "GET /healthz HTT", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /v1/explain HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
    ])
    func `a connection on which nothing more comes is closed`(sent: String) async throws {
        try await LiveServer.run {
            $0.idleTimeout = .milliseconds(200)
        } _: { server in
            let connection = try RawConnection(to: server)
            connection.send(sent)
            #expect(await connection.isClosed())
        }
    }

    @Test func `connections are counted while they are open`() async throws {
        try await LiveServer.run { server in
            func says(_ count: Int) -> Bool {
                server.metrics.render().split(separator: "\n").contains("turnpike_api_connections \(count)")
            }
            #expect(says(0))
            let connections = try (0..<3).map { _ in try RawConnection(to: server) }
            for connection in connections {
                connection.send(LiveServer.get("/healthz"))
                #expect(await connection.receive()?.hasPrefix("HTTP/1.1 200") == true)
            }
            #expect(says(3))
            for connection in connections { connection.shutDown() }
            while !says(0) { await Task.yield() }
        }
    }

    @Test func `connections beyond the most wait until others have gone`() async throws {
        try await LiveServer.run {
            $0.mostConnections = 1
        } _: { server in
            let first = try RawConnection(to: server)
            first.send(LiveServer.get("/healthz"))
            #expect(await first.receive()?.hasPrefix("HTTP/1.1 200") == true)
            let second = try RawConnection(to: server)
            second.send(LiveServer.get("/healthz"))
            #expect(await second.receive(within: .milliseconds(200)) == nil)
            first.shutDown()
            #expect(await second.receive()?.hasPrefix("HTTP/1.1 200") == true)
        }
    }
}
