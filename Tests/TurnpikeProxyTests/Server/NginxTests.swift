// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TurnpikeMetering
import TurnpikeProxyCore

@testable import TurnpikeProxy

/// Against a real server, where there is one on this machine.
@Suite(.enabled(if: Nginx.isExpected), .timeLimit(.minutes(1))) struct NginxTests {
    @Test(arguments: Transport.available)
    func `nginx is served through, with kept connections, ranges, chunks and its own refusals`(
        on transport: Transport
    ) async throws {
        let nginx = try await Nginx.start()
        try await GatewayHarness.run(on: transport, [Pieces.route(), Pieces.cluster(nginx.port)]) {
            gateway async throws in
            let client = try await gateway.connect()
            for _ in 0..<100 {
                try await client.send(GatewayHarness.get("/v1/small"))
                #expect(try await client.response().text == "{\"small\":true}\n")
            }
            try await client.send(GatewayHarness.get("/v1/large.bin"))
            #expect(try await client.response().content.count == Nginx.largeSize)
            try await client.send(GatewayHarness.get("/v1/large.bin", "Range: bytes=10-19\r\n"))
            let part = try await client.response()
            #expect(part.status == 206 && part.content.count == 10)
            try await client.send(GatewayHarness.get("/v1/large.bin").replacing("GET", with: "HEAD"))
            let head = try await client.response(toHead: true)
            #expect(head.status == 200 && head["content-length"] == "\(Nginx.largeSize)")
            try await client.send(GatewayHarness.get("/v1/missing"))
            #expect(try await client.response().status == 404)
            try await client.send("POST /v1/small HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 3\r\n\r\nabc")
            #expect(try await client.response().status == 405)
            #expect(gateway.usage.total.requests == 105)
        }
        try await nginx.stop()
    }

    @Test(arguments: Transport.available)
    func `nginx closing its kept connections costs no request`(on transport: Transport) async throws {
        let nginx = try await Nginx.start(keepaliveRequests: 3)
        try await GatewayHarness.run(on: transport, [Pieces.route(), Pieces.cluster(nginx.port)]) {
            gateway async throws in
            let client = try await gateway.connect()
            for _ in 0..<50 {
                try await client.send(GatewayHarness.get("/v1/small"))
                #expect(try await client.response().status == 200)
            }
        }
        try await nginx.stop()
    }
}
