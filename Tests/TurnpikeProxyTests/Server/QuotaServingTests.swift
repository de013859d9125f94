// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeProxyCore

@testable import TurnpikeProxy

@Suite(.timeLimit(.minutes(1))) struct QuotaServingTests {
    @Test(arguments: Transport.available)
    func `a hard quota passes exactly what it allows, however many ask at once`(on transport: Transport) async throws {
        let origin = try await Origin.start()
        let bank = LeaseBank(limit: 500)
        let resources = [Pieces.route(), Pieces.cluster(origin.port), Pieces.quota(limit: 500)]
        try await GatewayHarness.run(on: transport, resources, leases: bank) { gateway async throws in
            let counts = try await withThrowingTaskGroup(of: [Int: Int].self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        let client = try await gateway.connect()
                        var counts: [Int: Int] = [:]
                        for _ in 0..<100 {
                            try await client.send(GatewayHarness.get())
                            counts[try await client.response().status, default: 0] += 1
                        }
                        await client.close()
                        return counts
                    }
                }
                return try await group.reduce(into: [Int: Int]()) { $0.merge($1, uniquingKeysWith: +) }
            }
            // A worker that asks as fast as it may still waits for some grants at the limit, so a few may be 503.
            #expect(counts[200, default: 0] == origin.requests.count && origin.requests.count <= 500)
            #expect(counts.keys.allSatisfy { [200, 429, 503].contains($0) })
            #expect(counts[200, default: 0] > 450, "\(counts)")
            #expect(gateway.usage.consumed == Int64(origin.requests.count))
            #expect(gateway.usage.total.units == Int64(origin.requests.count) && gateway.usage.total.requests == 800)
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `a control plane that is away costs those who wait a tenth of a second`(on transport: Transport) async throws {
        let resources = [Pieces.route(), Pieces.cluster(9), Pieces.quota(limit: 5)]
        try await GatewayHarness.run(on: transport, resources) { gateway async throws in
            let response = try await gateway.get()
            #expect(response.status == 503 && response["retry-after"] == "1")
        }
    }

    @Test(arguments: Transport.available)
    func `stopping gives back what was not spent`(on transport: Transport) async throws {
        let origin = try await Origin.start()
        let resources = [Pieces.route(), Pieces.cluster(origin.port), Pieces.quota(limit: 100)]
        let usage = try await GatewayHarness.run(on: transport, resources, leases: LeaseBank(limit: 100)) {
            gateway async throws in
            #expect(try await gateway.get().status == 200)
            return gateway.usage
        }
        // A quarter of the quota was the first lease; perhaps a second followed.
        #expect(usage.consumed == 1 && usage.released >= 24)
        await origin.stop()
    }
}
