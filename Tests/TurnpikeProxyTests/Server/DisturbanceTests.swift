// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TurnpikeMetering
import TurnpikeProxyCore
import TurnpikeTelemetry

@testable import TurnpikeProxy

/// Peers that leave without a word, or come in crowds.
@Suite(.timeLimit(.minutes(1))) struct DisturbanceTests {
    @Test(arguments: Entrance.all)
    func `a client that resets within its request takes the upstream's part with it`(
        through entrance: Entrance
    ) async throws {
        let origin = try await Origin.start()
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            for round in 1...3 {
                let client = try await gateway.connect()
                try await client.send("POST /v1 HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 1000000\r\n\r\n")
                try await client.send(Array(repeating: UInt8(ascii: "a"), count: 200_000))
                await origin.connectionsOpened(round)
                try await client.reset()
                try await gateway.usageReached { $0.requests == Int64(round) }
            }
            #expect(try await gateway.get().status == 200)
            // What was cut short never became a request.
            #expect(origin.requests.count == 1 && origin.connections == 4)
        }
        await origin.stop()
    }

    @Test(arguments: [true, false], Entrance.all)
    func `a client that resets within its answer stops the upstream`(
        chunked: Bool, through entrance: Entrance
    ) async throws {
        let size = 256 << 20
        let origin = try await Origin.start {
            $0.target == "/v1/small" ? .ok("") : chunked ? .chunks(size) : .content(size)
        }
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            let client = try await gateway.connect(receiveBuffer: 64 << 10)
            try await client.setReading(false)
            try await client.send(GatewayHarness.get())
            await origin.requestsArrived(1)
            try await client.reset()
            try await gateway.usageReached { $0.requests == 1 }
            #expect(try await gateway.get("/v1/small").status == 200)
            #expect(origin.written.load(ordering: .relaxed) < size)
        }
        await origin.stop()
    }

    @Test(arguments: Entrance.all)
    func `a client that ends what it sends has left`(through entrance: Entrance) async throws {
        let origin = try await Origin.start { $0.target == "/v1/slow" ? .silence : .ok("") }
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            let client = try await gateway.connect()
            try await client.send(GatewayHarness.get("/v1/slow"))
            await origin.requestsArrived(1)
            try await client.closeOutput()
            #expect(try await client.untilClosed().isEmpty)
            try await gateway.usageReached { $0.requests == 1 && $0.units == 1 }
            #expect(try await gateway.get().status == 200)
        }
        await origin.stop()
    }

    @Test(arguments: Entrance.all)
    func `an upstream that resets instead of answering is a 502`(through entrance: Entrance) async throws {
        let origin = try await Origin.start { _ in .rawThenReset("") }
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            for round in 1...3 {
                #expect(try await gateway.get().status == 502)
                #expect(origin.requests.count == round)
            }
        }
        await origin.stop()
    }

    @Test(arguments: Entrance.all)
    func `an upstream that resets within its answer cuts the client's short`(through entrance: Entrance) async throws {
        let origin = try await Origin.start { _ in .rawThenReset("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc") }
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            let client = try await gateway.connect()
            try await client.send(GatewayHarness.get())
            let text = String(decoding: try await client.untilClosed(), as: UTF8.self)
            #expect(text.isEmpty || text.hasPrefix("HTTP/1.1 502") || text.hasSuffix("\r\n\r\nabc") && client.wasReset)
        }
        await origin.stop()
    }

    /// A client of HTTP/1.0 takes an orderly end for the end of the answer.
    @Test(arguments: Entrance.all)
    func `an answer without a length that was cut short ends with a reset`(through entrance: Entrance) async throws {
        let origin = try await Origin.start {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
            return $0.target == "/v1/whole" ? .rawThenClose(head + "0\r\n\r\n") : .rawThenClose(head)
        }
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            for (path, isWhole) in [("/v1/whole", true), ("/v1/part", false)] {
                let client = try await gateway.connect()
                try await client.send("GET \(path) HTTP/1.0\r\nHost: api.acme.test\r\n\r\n")
                let text = String(decoding: try await client.untilClosed(), as: UTF8.self)
                #expect(client.wasReset != isWhole && (!isWhole || text.hasSuffix("\r\n\r\nhello")))
            }
        }
        await origin.stop()
    }

    @Test(arguments: Entrance.all)
    func `an answer that comes before the request is whole is given, although the upstream hangs up`(
        through entrance: Entrance
    ) async throws {
        let origin = try await Origin.start(answeringHeads: "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            let client = try await gateway.connect()
            try await client.send("POST /v1 HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 300000\r\n\r\n")
            // Sending on meets a reset sooner or later.
            for _ in 0..<100 { try? await client.send(Array(repeating: UInt8(ascii: "a"), count: 3000)) }
            let response = try await client.response()
            // SwiftNIO closes a channel on which writing fails, whatever there is to be read of it.
            #expect(
                response.status == 413 && response.text == "no" || entrance.transport == .nio && response.status == 502)
        }
        await origin.stop()
    }

    @Test(arguments: Entrance.all)
    func `a name that leads nowhere is a 503`(through entrance: Entrance) async throws {
        let resources = [Pieces.route(), Pieces.cluster(80, host: "no..such..name")]
        try await GatewayHarness.run(through: entrance, resources) { gateway async throws in
            for _ in 0..<3 { #expect(try await gateway.get().status == 503) }
        }
    }

    @Test(arguments: Entrance.all)
    func `a thousand connections that come and are reset leave nothing behind`(through entrance: Entrance) async throws
    {
        let origin = try await Origin.start()
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for lane in 0..<20 {
                    group.addTask {
                        for number in 0..<50 {
                            let client = try await gateway.connect()
                            switch (lane + number) % 4 {
                            case 0: break
                            case 1: try await client.send("GET /v1 HTTP/1.1\r\nHo")
                            case 2: try await client.send(GatewayHarness.get())
                            default:
                                try await client.send(GatewayHarness.get())
                                #expect(try await client.response().status == 200)
                            }
                            try await client.reset()
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await gateway.connectionsReached(0)
            #expect(try await gateway.get().status == 200)
        }
        await origin.stop()
    }

    @Test(arguments: Entrance.all)
    func `draining lets large answers come to their end`(through entrance: Entrance) async throws {
        let size = 16 << 20
        let origin = try await Origin.start { _ in .content(size) }
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            var clients: [RawClient] = []
            for number in 1...4 {
                let client = try await gateway.connect(receiveBuffer: 64 << 10)
                try await client.setReading(false)
                try await client.send(GatewayHarness.get())
                await origin.requestsArrived(number)
                clients.append(client)
            }
            async let drained: Void = gateway.server.drain(timeout: .seconds(20))
            for client in clients {
                try await client.setReading(true)
                #expect(try await client.response().content.count == size)
                #expect(try await client.untilClosed().isEmpty && !client.wasReset)
            }
            await drained
        }
        await origin.stop()
    }

    @Test(arguments: Entrance.all)
    func `an upstream that closes while it is idle is noticed, and its connection not counted`(
        through entrance: Entrance
    ) async throws {
        let origin = try await Origin.start()
        let pool = PoolLimits(connections: 1)
        try await GatewayHarness.run(through: entrance, [Pieces.route(), Pieces.cluster(origin.port)], pool: pool) {
            gateway async throws in
            for round in 1...5 {
                #expect(try await gateway.get().status == 200)
                #expect(origin.connections == round)
                await origin.closeConnections()
                try await gateway.idleUpstreamsGone()
            }
        }
        await origin.stop()
    }

    @Test(arguments: Entrance.all)
    func `a client that asks and asks and takes no answer fills nobody's memory`(
        through entrance: Entrance
    ) async throws {
        try await GatewayHarness.run(through: entrance, []) { gateway async throws in
            let client = try await gateway.connect(receiveBuffer: 64 << 10)
            try await client.setReading(false)
            let requests = String(repeating: GatewayHarness.get("/nowhere"), count: 1000)
            let sending = Task { for _ in 0..<600 { try await client.send(requests) } }
            var last = -1
            while gateway.refusedRequests != last {
                last = gateway.refusedRequests
                try await Task.sleep(for: .milliseconds(300))
            }
            // Some 500 bytes each: as many as both kernels' buffers take, and little more.
            #expect(last > 0 && last < 50_000)
            try await client.reset()
            await #expect(throws: (any Error).self) { try await sending.value }
            try await gateway.connectionsReached(0)
        }
    }

    #if os(Linux)
    @Test func `a transport says what it is, and the automatic one is the fast one`() async throws {
        try await GatewayHarness.run(on: .automatic, []) { gateway async throws in
            #expect(gateway.server.transport == .epoll)
            #expect(try await gateway.get().status == 404)
        }
    }
    #endif

    @Test(arguments: Transport.available)
    func `a port that is taken is an error that says so`(on transport: Transport) async throws {
        try await GatewayHarness.run(on: transport, []) { gateway async throws in
            let usage = UsageInMemory()
            let failure = await #expect(throws: (any Error).self) {
                try await GatewayServer.start(
                    options: GatewayOptions(port: gateway.server.port, transport: transport, loops: 2),
                    ledger: { _ in LoopLedger(recorder: usage, leases: NoLeases()) }, digest: { Pieces.digest($0) },
                    logger: gateway.logger, metrics: gateway.metrics
                )
            }
            #expect("\(String(describing: failure))".contains("ddress already in use"))
        }
    }
}

extension GatewayHarness {
    /// Requests without a route so far.
    var refusedRequests: Int {
        let line = metrics.render().split(separator: "\n").first {
            $0.hasPrefix(#"turnpike_requests_total{route="",status_class="4xx",tenant=""} "#)
        }
        return line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
    }

    /// Returns once so many client connections are open.
    func connectionsReached(_ count: Int) async throws {
        let line = "\(MetricName.activeConnections.rawValue) \(count)\n"
        let end = ContinuousClock.now + .seconds(10)
        while !metrics.render().contains(line) {
            guard ContinuousClock.now < end else { throw RawClient.Failure(description: "some connections stay open") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
