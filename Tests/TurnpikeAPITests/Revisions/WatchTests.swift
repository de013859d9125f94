// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeAPI
import TurnpikeControl
import TurnpikeModel

@Suite struct WatchTests {
    @Test func `over HTTP, who watches gets what is written, heartbeats in silence, and the end`() async throws {
        // Shorter than the silence between heartbeats, which must not count as an idle connection.
        try await LiveServer.run {
            $0.idleTimeout = .seconds(5)
        } _: { server in
            let reader = try RawConnection(to: server)
            reader.send(LiveServer.get("/v1/changes?watch=true"))
            let start = try await reader.receive(until: #""revision":1"#)
            #expect(start.hasPrefix("HTTP/1.1 200") && start.lowercased().contains("application/x-ndjson"))
            let principal = try server.control.authenticate(bearer: TestServer.token)
            let create = WriteCommand.create(.tenant, body: ["name": "acme"])
            _ = try await server.control.write(create, WriteContext(principal: principal, requestID: "r"))
            #expect(try await reader.receive(until: #""revision":2"#).contains(#""name":"acme""#))
            _ = try await reader.receive(until: #"{"heartbeat":true,"revision":2}"#)
            await server.control.shutDown()
            // The last chunk of an answer that is whole.
            _ = try await reader.receive(until: "0\r\n\r\n")
        }
    }
}
