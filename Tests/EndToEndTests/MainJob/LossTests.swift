// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
import Testing
import TurnpikeTestSupport

/// Programs killed without warning: service goes on, and usage arrives exactly once.
@Suite(.serialized) struct LossTests {
    @Test func `while the control plane is dead no request fails, and afterwards all usage arrives once`() async throws
    {
        try await Stage.with { stage in
            let origin = try await Origin.start()
            let plane = try await ControlPlaneProcess.start(on: stage)
            let gateway = try await GatewayProcess.start(joining: plane, on: stage)
            let key = try await plane.serveOrders(from: origin)
            let tally = try await Load.on(gateway, key: key) { load in
                try await load.advance(by: 200)
                try await plane.killHard()
                try await load.advance(by: 500)
                try await plane.restart()
                try await load.advance(by: 200)
            }
            #expect(tally.failures == [])

            // The worker has come back by itself: what is written now is enforced.
            try await plane.call(.DELETE, "/v1/tenants/acme/api-keys/partner-1?wait=applied&timeout=30s")
            #expect(try await gateway.get("/v1/orders/7", key: key).status == 401)
            try await expectUsage(tally.served, plane, gateway)
            try await origin.stop()
        }
    }

    @Test func `a gateway killed and started while the control plane is dead serves by its last good configuration`()
        async throws
    {
        try await Stage.with { stage in
            let origin = try await Origin.start()
            let plane = try await ControlPlaneProcess.start(on: stage)
            let gateway = try await GatewayProcess.start(joining: plane, on: stage)
            let key = try await plane.serveOrders(from: origin)
            try await gateway.serve(50, key: key)
            try await plane.killHard()
            try await gateway.serve(50, key: key)
            try await gateway.killHard()
            try await gateway.restart()
            try await gateway.serve(50, key: key)
            #expect(try await gateway.get("/v1/orders/7").status == 401)
            try await plane.restart()
            try await expectUsage(150, plane, gateway)
            try await origin.stop()
        }
    }

    @Test func `killing both again and again loses no usage and counts none twice`() async throws {
        try await Stage.with { stage in
            let origin = try await Origin.start()
            let plane = try await ControlPlaneProcess.start(on: stage)
            let gateway = try await GatewayProcess.start(joining: plane, on: stage)
            let key = try await plane.serveOrders(from: origin)
            for _ in 1...3 {
                try await gateway.serve(40, key: key)
                try await gateway.killHard()
                try await gateway.restart()
                try await gateway.serve(40, key: key)
                try await plane.killHard()
                try await gateway.serve(40, key: key)
                try await plane.restart()
            }
            try await expectUsage(360, plane, gateway)
            try await origin.stop()
        }
    }

    /// Waits until all requests are in the report; then ends the gateway, which reports what it still has, and sees that
    /// nothing came twice.
    private func expectUsage(_ served: Int, _ plane: ControlPlaneProcess, _ gateway: GatewayProcess) async throws {
        try await until("the usage of \(served) requests has arrived") {
            try await plane.usage()["2xx", default: 0] >= served
        }
        #expect(try await gateway.process.terminate() == 0)
        #expect(try await plane.usage()["2xx"] == served)
    }
}
