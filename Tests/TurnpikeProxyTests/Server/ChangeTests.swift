// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeProxyCore

@testable import TurnpikeProxy

@Suite(.timeLimit(.minutes(1))) struct ChangeTests {
    @Test(arguments: Transport.available, [1, 2])
    func `changing the configuration under load loses nothing`(on transport: Transport, loops: Int) async throws {
        let first = try await Origin.start()
        let second = try await Origin.start()
        try await GatewayHarness.run(on: transport, [Pieces.route(), Pieces.cluster(first.port)], loops: loops) {
            gateway async throws in
            let failures = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        let client = try await gateway.connect()
                        var failures = 0
                        for _ in 0..<200 {
                            try await client.send(GatewayHarness.get())
                            failures += try await client.response().status == 200 ? 0 : 1
                        }
                        return failures
                    }
                }
                group.addTask {
                    for round in 0..<100 {
                        let cluster =
                            round % 2 == 0 ? Pieces.cluster(second.port) : Pieces.cluster(first.port, second.port)
                        await gateway.server.apply(
                            try GatewayConfiguration(Pieces.snapshot([Pieces.route(), cluster])))
                        try await Task.sleep(for: .milliseconds(2))
                    }
                    return 0
                }
                return try await group.reduce(0, +)
            }
            #expect(failures == 0 && gateway.usage.total.requests == 1600)
            #expect(second.requests.count > 0)
        }
        await first.stop()
        await second.stop()
    }

    @Test(arguments: Transport.available)
    func `draining answers what is in flight and then ends`(on transport: Transport) async throws {
        let origin = try await Origin.start { $0.target == "/v1/slow" ? .silence : .ok("fine") }
        let resources = [Pieces.route(), Pieces.cluster(origin.port, responseTimeout: .milliseconds(300))]
        try await GatewayHarness.run(on: transport, resources) { gateway async throws in
            let idle = try await gateway.connect()
            try await idle.send(GatewayHarness.get())
            #expect(try await idle.response().status == 200)
            let busy = try await gateway.connect()
            try await busy.send(GatewayHarness.get("/v1/slow"))
            await origin.requestsArrived(2)

            async let drained: Void = gateway.server.drain(timeout: .seconds(10))
            #expect(try await idle.untilClosed().isEmpty)
            let answer = try await busy.response()
            #expect(answer.status == 504 && answer["connection"] == "close")
            await drained
            await #expect(throws: (any Error).self) { try await gateway.connect() }
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `draining does not wait for ever`(on transport: Transport) async throws {
        let origin = try await Origin.start { _ in .silence }
        try await GatewayHarness.run(on: transport, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            let client = try await gateway.connect()
            try await client.send(GatewayHarness.get())
            await origin.requestsArrived(1)
            await gateway.server.drain(timeout: .milliseconds(50))
            #expect(try await client.untilClosed().isEmpty)
            #expect(gateway.usage.total.requests == 1)
        }
        await origin.stop()
    }
}
