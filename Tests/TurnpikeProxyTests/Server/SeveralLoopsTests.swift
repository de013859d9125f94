// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeTelemetry

@testable import TurnpikeProxy

/// One gateway, two event loops.
@Suite(.timeLimit(.minutes(1))) struct SeveralLoopsTests {
    /// Sends requests on one connection until one is refused by a limit; what else came, by status.
    private func untilRefused(_ client: RawClient) async throws -> [Int: Int] {
        var counts: [Int: Int] = [:]
        while counts[429] == nil {
            try await client.send(GatewayHarness.get())
            counts[try await client.response().status, default: 0] += 1
        }
        return counts
    }

    /// The same on many connections at once, over which it sums up.
    private func untilAllRefused(_ gateway: GatewayHarness, clients: Int) async throws -> [Int: Int] {
        try await withThrowingTaskGroup(of: [Int: Int].self) { group in
            for _ in 0..<clients {
                group.addTask {
                    let client = try await gateway.connect()
                    let counts = try await untilRefused(client)
                    await client.close()
                    return counts
                }
            }
            return try await group.reduce(into: [Int: Int]()) { $0.merge($1, uniquingKeysWith: +) }
        }
    }

    @Test(arguments: Transport.available)
    func `connections are spread evenly, and counted together`(on transport: Transport) async throws {
        let origin = try await Origin.start()
        try await GatewayHarness.run(on: transport, [Pieces.route(), Pieces.cluster(origin.port)], loops: 2) {
            gateway async throws in
            #expect(gateway.server.loops.count == 2)
            var clients: [RawClient] = []
            for _ in 0..<10 {
                let client = try await gateway.connect()
                try await client.send(GatewayHarness.get())
                #expect(try await client.response().status == 200)
                clients.append(client)
            }
            #expect(gateway.usageByLoop.map(\.total.requests) == [5, 5])
            try await gateway.connectionsReached(10)
            // Of our own loops, the one that has lost most is given the next; those of SwiftNIO take turns.
            for client in [clients[0], clients[2], clients[4]] { await client.close() }
            try await gateway.connectionsReached(7)
            for _ in 0..<3 {
                let client = try await gateway.connect()
                try await client.send(GatewayHarness.get())
                #expect(try await client.response().status == 200)
                clients.append(client)
            }
            #expect(gateway.usageByLoop.map(\.total.requests) == (transport == .nio ? [7, 6] : [8, 5]))
            for client in clients { await client.close() }
            try await gateway.connectionsReached(0)
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `connections are bounded over all loops`(on transport: Transport) async throws {
        try await GatewayHarness.run(on: transport, [], connections: 3, loops: 2) { gateway async throws in
            var clients: [RawClient] = []
            for _ in 0..<3 {
                let client = try await gateway.connect()
                try await client.send(GatewayHarness.get())
                #expect(try await client.response().status == 404)
                clients.append(client)
            }
            #expect(try await gateway.connect().untilClosed().isEmpty)
            await clients[0].close()
            try await gateway.connectionsReached(2)
            #expect(try await gateway.get().status == 404)
        }
    }

    @Test(arguments: Transport.available)
    func `a configuration that was applied is served by all loops`(on transport: Transport) async throws {
        let origin = try await Origin.start()
        try await GatewayHarness.run(on: transport, [Pieces.cluster(origin.port)], loops: 2) { gateway async throws in
            let clients = [try await gateway.connect(), try await gateway.connect()]
            for (round, status) in [404, 200, 404, 200].enumerated() {
                let resources = [Pieces.cluster(origin.port)] + (round % 2 == 0 ? [] : [Pieces.route()])
                await gateway.server.apply(try GatewayConfiguration(Pieces.snapshot(resources)))
                for client in clients {
                    try await client.send(GatewayHarness.get())
                    #expect(try await client.response().status == status)
                }
            }
            #expect(gateway.usageByLoop.map(\.total.requests) == [2, 2])
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `draining ends the connections of all loops, each with its answer`(on transport: Transport) async throws {
        let origin = try await Origin.start { _ in .silence }
        let resources = [Pieces.route(), Pieces.cluster(origin.port, responseTimeout: .milliseconds(300))]
        try await GatewayHarness.run(on: transport, resources, loops: 2) { gateway async throws in
            let busy = [try await gateway.connect(), try await gateway.connect()]
            for client in busy { try await client.send(GatewayHarness.get()) }
            await origin.requestsArrived(2)
            async let drained: Void = gateway.server.drain(timeout: .seconds(10))
            for client in busy {
                let answer = try await client.response()
                #expect(answer.status == 504 && answer["connection"] == "close")
                #expect(try await client.untilClosed().isEmpty)
            }
            await drained
            #expect(gateway.usageByLoop.map(\.total.requests) == [1, 1])
            await #expect(throws: (any Error).self) { try await gateway.connect() }
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `a rate limit holds for the gateway, not for each of its loops`(on transport: Transport) async throws {
        let origin = try await Origin.start()
        let resources = [
            Pieces.route(), Pieces.cluster(origin.port),
            Pieces.rateLimit(limit: 100, interval: .seconds(36_000)),
        ]
        try await GatewayHarness.run(on: transport, resources, loops: 2) { gateway async throws in
            let counts = try await untilAllRefused(gateway, clients: 6)
            #expect(counts == [200: 100, 429: 6])
            #expect(gateway.usageByLoop.allSatisfy { $0.total.units > 0 })
        }
        // All of it on one connection, too.
        try await GatewayHarness.run(on: transport, resources, loops: 2) { gateway async throws in
            let counts = try await untilRefused(try await gateway.connect())
            #expect(counts == [200: 100, 429: 1])
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `a hard quota passes exactly what it allows over the connections of all loops`(
        on transport: Transport
    ) async throws {
        let origin = try await Origin.start()
        let resources = [Pieces.route(), Pieces.cluster(origin.port), Pieces.quota(limit: 100)]
        let usage = try await GatewayHarness.run(on: transport, resources, loops: 2, leases: LeaseBank(limit: 100)) {
            gateway async throws in
            let counts = try await untilAllRefused(gateway, clients: 6)
            #expect(counts[200] == 100, "\(counts)")
            #expect(gateway.usage.consumed == 100 && gateway.usage.total.units == 100)
            return gateway.usage
        }
        #expect(origin.requests.count == 100 && usage.released == 0)
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `what one loop holds of a quota is within reach of the others`(on transport: Transport) async throws {
        let origin = try await Origin.start()
        let resources = [Pieces.route(), Pieces.cluster(origin.port), Pieces.quota(limit: 100)]
        try await GatewayHarness.run(on: transport, resources, loops: 3, leases: LeaseBank(limit: 100)) {
            gateway async throws in
            let first = try await gateway.connect()
            try await first.send(GatewayHarness.get())
            #expect(try await first.response().status == 200)
            let second = try await gateway.connect()
            let counts = try await untilRefused(second)
            #expect(counts[200] == 99, "\(counts)")
            #expect(gateway.usageByLoop.map(\.total.units) == [1, 99, 0])
            #expect(gateway.usageByLoop[0].consumed > 1 && gateway.usage.consumed == 100)
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `while the control plane is away all loops live on what any of them holds`(
        on transport: Transport
    ) async throws {
        let origin = try await Origin.start()
        let resources = [Pieces.route(), Pieces.cluster(origin.port), Pieces.quota(limit: 100)]
        let bank = LeaseBank(limit: 100, answers: 1)
        try await GatewayHarness.run(on: transport, resources, loops: 2, leases: bank) { gateway async throws in
            let clients = [try await gateway.connect(), try await gateway.connect()]
            var statuses: [Int] = []
            for number in 0..<26 {
                try await clients[min(number, 1)].send(GatewayHarness.get())
                statuses.append(try await clients[min(number, 1)].response().status)
            }
            // The one lease that was granted is a quarter of the quota.
            #expect(statuses == Array(repeating: 200, count: 25) + [503])
            #expect(gateway.usageByLoop.map(\.total.units) == [1, 24])
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `the access log has whole lines of all loops`(on transport: Transport) async throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "access-\(UUID().uuidString).log")
        try Data().write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        let file = try FileHandle(forWritingTo: url)
        let log = AccessLogDestination.descriptor(file.fileDescriptor)
        try await GatewayHarness.run(on: transport, [], log: log, loops: 2) { gateway async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for lane in 0..<4 {
                    group.addTask {
                        let client = try await gateway.connect()
                        for number in 0..<500 {
                            try await client.send(GatewayHarness.get("/\(lane)/\(number)"))
                            #expect(try await client.response().status == 404)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        try file.close()
        let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n")
        let paths = try Set(lines.map { try JSON.parse(String($0))["path"]?.string })
        #expect(lines.count == 2000 && paths.count == 2000)
    }
}
