// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Synchronization
import Testing
import TurnpikeModel
import TurnpikeTestSupport

@Suite(.serialized) struct DrainTests {
    @Test func `a gateway is told of a shutdown at once, serves on, and is back with the next process`() async throws {
        try await Stage.with { stage in
            let plane = try await ControlPlaneProcess.start(on: stage)
            let origin = try await Origin.start()
            let gateway = try await GatewayProcess.start(joining: plane, on: stage)
            let key = try await plane.serveOrders(from: origin)

            let isOver = Mutex(false)
            async let served: Void = {
                repeat { try await gateway.serve(1, key: key) } while !isOver.withLock(\.self)
            }()
            let start = ContinuousClock.now
            #expect(try await plane.process.terminate() == 0)
            // Nobody is waited for who has the newest state.
            #expect(ContinuousClock.now - start < .seconds(5))
            _ = try await gateway.process.match("that it was told", /control plane has ended the configuration stream/)
            try await plane.restart()
            let target = "/v1/tenants/acme/services/orders?wait=applied&timeout=30s"
            let endpoint: JSON = ["host": "127.0.0.1", "port": .integer(Int64(origin.port)), "weight": 2]
            try await plane.call(.PUT, target, ["endpoints": [endpoint]])
            isOver.withLock { $0 = true }
            try await served
            let said = gateway.process.output
            #expect(!said.contains("is rejected"))
            try await origin.stop()
        }
    }

    @Test func `a snapshot whose worker reads slowly is finished before the control plane ends`() async throws {
        try await Stage.with { stage in
            let plane = try await ControlPlaneProcess.start(on: stage, options: ["--drain-timeout", "60s"])
            try await fill(plane)
            var frames = try await openStream(plane)
            var received = try await frames.next() ?? ByteBuffer()
            plane.process.signal(SIGTERM)
            _ = try await until("it drains") { try await plane.send(.GET, "/readyz").status == 503 }
            #expect(try await plane.send(.GET, "/v1/tenants").status == 503)
            while var piece = try await frames.next() {
                received.writeBuffer(&piece)
                try await Task.sleep(for: .milliseconds(1))
            }
            let last = String(buffer: received).split(separator: "\n").last.map(String.init)
            #expect(received.readableBytes > Self.size && last?.contains(#""frame":"commit""#) == true)
            #expect(try await plane.process.ended() == 0)
            #expect(!plane.process.output.contains("are broken off") && !plane.process.output.contains("are cut"))
        }
    }

    @Test func `clients that read nothing hold a shutdown no longer than it may take, and are named`() async throws {
        try await Stage.with { stage in
            let plane = try await ControlPlaneProcess.start(on: stage, options: ["--drain-timeout", "2s"])
            try await fill(plane)
            var stalled: [HTTPClientResponse] = []
            for target in ["/v1/export", "/v1/changes", "/v1/changes?watch=true"] {
                var request = HTTPClientRequest(url: plane.url + target)
                request.headers.add(name: "Authorization", value: "Bearer \(plane.token)")
                stalled.append(try await HTTPClient.shared.execute(request, timeout: .seconds(120)))
            }
            var frames = try await openStream(plane)
            _ = try await frames.next()
            let start = ContinuousClock.now
            #expect(try await plane.process.terminate() == 0)
            #expect(ContinuousClock.now - start < .seconds(10))
            let said = plane.process.output
            #expect(said.contains("GET /v1/export (1)") && said.contains("GET /v1/changes (2)"))
            #expect(said.contains("Streams are broken off"))
            #expect(stalled.count == 3)
            while (try? await frames.next()) ?? nil != nil {}
        }
    }

    // MARK: More than sockets take by themselves

    private static let size = 16 << 20

    private func fill(_ plane: ControlPlaneProcess) async throws {
        try await plane.call(.POST, "/v1/tenants", ["name": "acme"])
        let body = String(repeating: "all work and no play. ", count: 180)
        let routes = (0..<Self.size / body.utf8.count + 1).map { number -> JSON in
            [
                "kind": "route", "tenant": "acme", "name": .string("r\(number)"),
                "spec": [
                    "match": ["hosts": ["api.acme.test"], "paths": [["prefix": .string("/\(number)")]]],
                    "respond": ["body": .string(body)],
                ],
            ]
        }
        try await plane.call(.POST, "/v1/apply", ["resources": .array(routes)])
    }

    private func openStream(_ plane: ControlPlaneProcess) async throws -> HTTPClientResponse.Body.AsyncIterator {
        let token = try #require(try await plane.call(.POST, "/v1/join-tokens", ["kind": "gateway"])["token"]?.string)
        let identity = try await Exchange.send(
            .POST, plane.url + "/v1/workers", headers: [("Authorization", "Bearer \(token)")],
            body: ["name": "gw-1", "kind": "gateway", "version": "test"]
        ).json
        var request = HTTPClientRequest(
            url: "\(plane.url)/v1/workers/\(try #require(identity["id"]?.string))/stream")
        request.headers.add(name: "Authorization", value: "Bearer \(try #require(identity["credential"]?.string))")
        return try await HTTPClient.shared.execute(request, timeout: .seconds(120)).body.makeAsyncIterator()
    }
}
