// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import Testing
import TurnpikeModel
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

    @Test(arguments: [1, 3])
    func `killing both again and again loses no usage and counts none twice, however many loops count`(
        loops: Int
    ) async throws {
        try await Stage.with { stage in
            let origin = try await Origin.start()
            let plane = try await ControlPlaneProcess.start(on: stage)
            let gateway = try await GatewayProcess.start(joining: plane, on: stage, options: ["--loops", "\(loops)"])
            let key = try await plane.serveOrders(from: origin)
            for _ in 1...3 {
                try await gateway.serve(40, on: loops, key: key)
                try await gateway.killHard()
                try await gateway.restart()
                try await gateway.serve(40, on: loops, key: key)
                try await plane.killHard()
                try await gateway.serve(40, on: loops, key: key)
                try await plane.restart()
            }
            try await expectUsage(360 * loops, plane, gateway)
            try await origin.stop()
        }
    }

    @Test func `what went through a tunnel of a gateway that was killed is in the usage to the last byte`() async throws
    {
        try await Stage.with { stage in
            let upstream = try await TunnelEnd.echoing()
            let plane = try await ControlPlaneProcess.start(on: stage)
            let gateway = try await GatewayProcess.start(joining: plane, on: stage)
            try await plane.call(.POST, "/v1/tenants", ["name": "acme"])
            try await plane.call(
                .PUT, "/v1/tenants/acme/services/chat",
                ["endpoints": [["host": "127.0.0.1", "port": .integer(Int64(upstream.localAddress?.port ?? 0))]]])
            try await plane.call(
                .PUT, "/v1/tenants/acme/routes/chat?wait=applied&timeout=30s",
                [
                    "match": ["hosts": ["api.acme.test"], "paths": [["prefix": "/"]]],
                    "backends": [["service": "chat"]], "upgrades": ["protocols": ["websocket"]],
                ])
            let (client, end) = try await TunnelEnd.connect(to: gateway.url)
            let request =
                "GET / HTTP/1.1\r\nHost: api.acme.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
            try await client.writeAndFlush(ByteBuffer(string: request)).get()
            try await until("the connection has switched") { end.received.hasSuffix("\r\n\r\n") }
            let answer = end.received.utf8.count
            let words = String(repeating: "x", count: 1 << 20)
            try await client.writeAndFlush(ByteBuffer(string: words)).get()
            try await until("all has come back") { end.received.utf8.count == answer + words.utf8.count }

            try await gateway.killHard()
            try await gateway.restart()
            func usage() async throws -> [Int64?] {
                let report = try await plane.call(.GET, "/v1/tenants/acme/usage?groupBy=statusClass")
                let row = report["data"]?.array?.first { $0["statusClass"] == "1xx" }
                return ["requests", "bytesIn", "bytesOut"].map { row?[$0]?.integer }
            }
            let whole: [Int64?] = [1, request.utf8.count + words.utf8.count, answer + words.utf8.count].map {
                Int64($0)
            }
            try await until("the usage has arrived") { try await usage() == whole }
            // Nor does any of it come twice.
            #expect(try await gateway.process.terminate() == 0)
            #expect(try await usage() == whole)
            try await client.closeFuture.get()
            try await upstream.close()
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
