// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing
import TurnpikeMetering
import TurnpikeProxyCore
import TurnpikeTelemetry

@testable import TurnpikeProxy

@Suite(.timeLimit(.minutes(1))) struct FailingTests {
    @Test(arguments: Entrance.all)
    func `nobody listening is a 503 that names nobody`(through entrance: Entrance) async throws {
        let origin = try await Origin.start()
        let port = origin.port
        await origin.stop()
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(port)]) {
            gateway async throws in
            let response = try await gateway.get()
            #expect(response.status == 503 && !response.text.contains("127.0.0.1"))
        }
    }

    @Test(arguments: Entrance.all)
    func `the other endpoint takes over`(through entrance: Entrance) async throws {
        let gone = try await Origin.start()
        // Both at once, or the second might be given the first one's port.
        let origin = try await Origin.start()
        await gone.stop()
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(gone.port, origin.port)]) {
            gateway async throws in
            for _ in 0..<10 { #expect(try await gateway.get().status == 200) }
            #expect(origin.requests.count == 10)
            #expect(gateway.metrics.render().contains("turnpike_upstream_failures_total{reason=\"connect\""))
        }
        await origin.stop()
    }

    @Test(arguments: Entrance.all)
    func `an upstream that closes instead of answering is a 502`(through entrance: Entrance) async throws {
        let origin = try await Origin.start { _ in .close }
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            #expect(try await gateway.get().status == 502)
            #expect(origin.requests.count == 1)
        }
        await origin.stop()
    }

    @Test(arguments: Entrance.all)
    func `an upstream that talks nonsense is a 502`(through entrance: Entrance) async throws {
        let origin = try await Origin.start { _ in .raw("220 mail.test ESMTP\r\n\r\n") }
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            #expect(try await gateway.get().status == 502)
        }
        await origin.stop()
    }

    @Test(arguments: Entrance.all)
    func `an upstream that says nothing is a 504`(through entrance: Entrance) async throws {
        let origin = try await Origin.start { _ in .silence }
        let resources = [Pieces.route(), Pieces.cluster(origin.port, responseTimeout: .milliseconds(100))]
        try await GatewayHarness.run(through: entrance, resources) { gateway async throws in
            #expect(try await gateway.get().status == 504)
            #expect(gateway.usage.total.units == 1)
        }
        await origin.stop()
    }

    @Test(arguments: Entrance.all)
    func `an answer cut short ends the client's connection within it`(through entrance: Entrance) async throws {
        let origin = try await Origin.start { _ in .rawThenClose("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc") }
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            let client = try await gateway.connect()
            try await client.send(GatewayHarness.get())
            let bytes = try await client.untilClosed()
            #expect(String(decoding: bytes, as: UTF8.self).hasSuffix("\r\n\r\nabc") || bytes.isEmpty)
        }
        await origin.stop()
    }

    @Test(arguments: Entrance.all)
    func `a connection that the upstream closed while idle costs no request`(through entrance: Entrance) async throws {
        // Closes as the second request of a connection arrives, which no gateway can know before.
        let origin = try await Origin.start { $0.number > 1 ? .close : .ok("fine") }
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            let client = try await gateway.connect()
            for _ in 0..<10 {
                try await client.send(GatewayHarness.get())
                #expect(try await client.response().status == 200)
            }
            #expect(gateway.usage.total.requests == 10)
        }
        await origin.stop()
    }

    @Test(arguments: Entrance.all)
    func `connections closed by the upstream are not used again`(through entrance: Entrance) async throws {
        let origin = try await Origin.start()
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            let client = try await gateway.connect()
            for round in 1...5 {
                try await client.send("POST /v1 HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 0\r\n\r\n")
                #expect(try await client.response().status == 200)
                #expect(origin.connections == round)
                await origin.closeConnections()
                // The gateway has to see the end before the next request does: a POST is not repeated.
                try await gateway.idleUpstreamsGone()
            }
        }
        await origin.stop()
    }

    @Test(arguments: Entrance.all)
    func `a client that leaves frees its upstream`(through entrance: Entrance) async throws {
        let origin = try await Origin.start { _ in .silence }
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            for reset in [true, false] {
                let client = try await gateway.connect()
                try await client.send(GatewayHarness.get())
                await origin.requestsArrived(reset ? 1 : 2)
                if reset { try await client.reset() } else { await client.close() }
            }
            try await gateway.usageReached { $0.requests == 2 }
            #expect(gateway.usage.total.units == 2)
        }
        await origin.stop()
    }

    @Test(arguments: Entrance.all)
    func `a head that comes too slowly is a 408`(through entrance: Entrance) async throws {
        let limits = GatewayLimits(headTimeout: 200_000_000)
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(9)], limits: limits) {
            gateway async throws in
            let client = try await gateway.connect()
            try await client.send("GET /v1 HTTP/1.1\r\nHost: api")
            #expect(try await client.response().status == 408)
            #expect(try await client.untilClosed().isEmpty)
        }
    }

    @Test(arguments: Entrance.all)
    func `a connection without requests is closed`(through entrance: Entrance) async throws {
        let limits = GatewayLimits(idleTimeout: 100_000_000)
        try await GatewayHarness.run(through: entrance, [], limits: limits) { gateway async throws in
            #expect(try await gateway.connect().untilClosed().isEmpty)
        }
    }
}

extension GatewayHarness {
    /// Returns once usage is as expected.
    func usageReached(_ isThere: @Sendable (UsageCounters) -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(10)
        while !isThere(usage.total) {
            guard ContinuousClock.now < end else { throw RawClient.Failure(description: "usage is \(usage.total)") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Returns once the loop has seen that its upstream connections are closed: the kernel knows already.
    func idleUpstreamsGone() async throws {
        for _ in 0..<3 { try await server.loops[0].submit {} }
        try await Task.sleep(for: .milliseconds(20))
    }
}
