// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TurnpikeMetering
import TurnpikeProxyCore

@testable import TurnpikeProxy

@Suite(.timeLimit(.minutes(2))) struct ContentTests {
    private static let tenMiB = 10 << 20

    @Test(arguments: [true, false], Entrance.all)
    func `ten megabytes go to the upstream whole`(chunked: Bool, through entrance: Entrance) async throws {
        let origin = try await Origin.start()
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            let client = try await gateway.connect()
            let framing = chunked ? "Transfer-Encoding: chunked" : "Content-Length: \(Self.tenMiB)"
            try await client.send("POST /v1/upload HTTP/1.1\r\nHost: api.acme.test\r\n\(framing)\r\n\r\n")
            let piece = Array(repeating: UInt8(ascii: "y"), count: 64 << 10)
            for _ in 0..<Self.tenMiB / piece.count {
                try await client.send(chunked ? Array("10000\r\n".utf8) + piece + Array("\r\n".utf8) : piece)
            }
            if chunked { try await client.send("0\r\n\r\n") }
            #expect(try await client.response().status == 200)
            #expect(origin.requests.first?.contentBytes == UInt64(Self.tenMiB))
            #expect(gateway.usage.total.bytesIn > Int64(Self.tenMiB))
            // The connection is good for another.
            try await client.send(GatewayHarness.get())
            #expect(try await client.response().status == 200)
        }
        await origin.stop()
    }

    @Test(arguments: [true, false], Entrance.all)
    func `ten megabytes come from the upstream whole`(chunked: Bool, through entrance: Entrance) async throws {
        let origin = try await Origin.start { _ in chunked ? .chunks(Self.tenMiB) : .content(Self.tenMiB) }
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            let client = try await gateway.connect()
            for _ in 0..<2 {
                try await client.send(GatewayHarness.get())
                // The test's own reader looks at all bytes again with each piece: too slow for chunks of this size.
                if chunked {
                    await client.close()
                    return try await readChunked(gateway)
                }
                let response = try await client.response()
                #expect(response.status == 200 && response.content.count == Self.tenMiB)
            }
        }
        await origin.stop()
    }

    private func readChunked(_ gateway: GatewayHarness) async throws {
        let client = try await gateway.connect()
        try await client.send(GatewayHarness.get("/v1/orders", "Connection: close\r\n"))
        let bytes = try await client.untilClosed()
        let response = try #require(RawResponse(bytes))
        #expect(response.content.count == Self.tenMiB && response.content.allSatisfy { $0 == UInt8(ascii: "x") })
    }

    @Test(arguments: [true, false], Entrance.all)
    func `a client that does not read holds the upstream back, not the gateway's memory`(
        chunked: Bool, through entrance: Entrance
    ) async throws {
        let size = 64 << 20
        let origin = try await Origin.start { _ in chunked ? .chunks(size) : .content(size) }
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            let client = try await gateway.connect(receiveBuffer: 64 << 10)
            try await client.setReading(false)
            try await client.send(GatewayHarness.get("/v1/orders", "Connection: close\r\n"))
            await origin.requestsArrived(1)
            let last = try await origin.stalled()
            #expect(last <= SocketBuffers.most && SocketBuffers.most < size, "\(last) bytes are on their way")
            try await client.setReading(true)
            let response = try #require(RawResponse(try await client.untilClosed()))
            #expect(response.content.count == size && !client.wasReset)
        }
        await origin.stop()
    }

    @Test(arguments: Entrance.all)
    func `a client that takes nothing of its answer for too long is cut off`(through entrance: Entrance) async throws {
        let origin = try await Origin.start { _ in .content(64 << 20) }
        let limits = GatewayLimits(bodyTimeout: 300_000_000)
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)], limits: limits) {
            gateway async throws in
            let client = try await gateway.connect(receiveBuffer: 64 << 10)
            try await client.setReading(false)
            try await client.send(GatewayHarness.get())
            try await gateway.usageReached { $0.requests == 1 }
            // Fails where the client has seen the reset already.
            try? await client.setReading(true)
            #expect(try await client.untilClosed().count < 64 << 20)
        }
        await origin.stop()
    }

    @Test(arguments: Entrance.all)
    func `a client that sends a little at a time is served`(through entrance: Entrance) async throws {
        let origin = try await Origin.start { .ok("\($0.contentBytes)") }
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            let client = try await gateway.connect()
            let request = "POST /v1 HTTP/1.1\r\nHost: api.acme.test\r\nTransfer-Encoding: chunked\r\n\r\n"
            for byte in Array((request + "3\r\nabc\r\n14\r\n01234567890123456789\r\n0\r\n\r\n").utf8) {
                try await client.send([byte])
                try await gateway.server.loops[0].submit {}
            }
            #expect(try await client.response().text == "23")
        }
        await origin.stop()
    }

    @Test(arguments: Entrance.all)
    func `content that drips is a 408, and its upstream connection free`(through entrance: Entrance) async throws {
        let origin = try await Origin.start()
        // Nobody sends single bytes at that rate.
        let limits = GatewayLimits(bodyTimeout: 100_000_000, bodyRate: 1_000_000_000)
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)], limits: limits) {
            gateway async throws in
            let client = try await gateway.connect()
            try await client.send("PUT /v1 HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 100000000\r\n\r\n")
            let dripping = Task {
                while !Task.isCancelled {
                    try await client.send("x")
                    try await gateway.server.loops[0].submit {}
                }
            }
            #expect(try await client.response().status == 408)
            dripping.cancel()
            _ = await dripping.result
            try await origin.firstConnectionClosed()
        }
        await origin.stop()
    }

    @Test(arguments: Entrance.all)
    func `content of no announced length is passed on until the upstream closes`(
        through entrance: Entrance
    ) async throws {
        let origin = try await Origin.start { _ in .rawThenClose("HTTP/1.1 200 OK\r\n\r\nuntil the end") }
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            let client = try await gateway.connect()
            try await client.send(GatewayHarness.get())
            let response = try await client.response()
            #expect(response.text == "until the end" && response["connection"] == "close")
        }
        await origin.stop()
    }

    @Test(arguments: [true, false], Entrance.all)
    func `content that its route does not take is answered with 413`(
        chunked: Bool, through entrance: Entrance
    ) async throws {
        let origin = try await Origin.start()
        let resources = [Pieces.route(maxContentBytes: 1000), Pieces.cluster(origin.port)]
        try await GatewayHarness.run(through: entrance, resources) { gateway async throws in
            func post(_ size: Int) -> String {
                let content = String(repeating: "y", count: size)
                return "POST /v1 HTTP/1.1\r\nHost: api.acme.test\r\n"
                    + (chunked
                        ? "Transfer-Encoding: chunked\r\n\r\n\(String(size, radix: 16))\r\n\(content)\r\n0\r\n\r\n"
                        : "Content-Length: \(size)\r\n\r\n\(content)")
            }
            let client = try await gateway.connect()
            try await client.send(post(1000))
            #expect(try await client.response().status == 200)
            try await client.send(post(1001))
            let refused = try await client.response()
            #expect(refused.status == 413 && refused["content-type"] == "application/problem+json")
            #expect(refused.text.contains("body-too-large"))
            #expect(origin.requests.map(\.contentBytes) == [1000])
            #expect(gateway.usage.total.requests == 2)
        }
        await origin.stop()
    }

    @Test(arguments: Entrance.all)
    func `a client that asks first is told to go on`(through entrance: Entrance) async throws {
        let origin = try await Origin.start { .ok("\($0.contentBytes)") }
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            let client = try await gateway.connect()
            try await client.send(
                "POST /v1 HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
            )
            #expect(try await client.response().status == 100)
            try await client.send("abc")
            #expect(try await client.response().text == "3")
        }
        await origin.stop()
    }
}
