// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeSnapshot
import TurnpikeTelemetry

@testable import TurnpikeProxy

/// Copies of requests over sockets: the service that watches gets them, and the client notices nothing of it.
@Suite(.timeLimit(.minutes(1))) struct MirrorServingTests {
    private func resources(_ port: Int, shadow: Int, responseTimeout: Duration = .seconds(10)) -> [CompiledResource] {
        [
            Pieces.route(mirrors: [Mirror(service: "shadow")]), Pieces.cluster(port),
            Pieces.cluster(shadow, name: "shadow", responseTimeout: responseTimeout),
        ]
    }

    @Test(arguments: Transport.available)
    func `the service that watches gets what the upstream gets`(on transport: Transport) async throws {
        let origin = try await Origin.start { _ in .ok("in earnest") }
        let shadow = try await Origin.start { $0.number % 2 == 0 ? .content(100_000) : .ok("seen by nobody") }
        try await GatewayHarness.run(on: transport, resources(origin.port, shadow: shadow.port)) {
            gateway async throws in
            let client = try await gateway.connect()
            for number in 1...10 {
                let content = String(repeating: "y", count: number * 5000)
                try await client.send(
                    "POST /v1/\(number) HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: \(content.utf8.count)\r\n\r\n"
                )
                try await client.send(content)
                #expect(try await client.response().text == "in earnest")
                try await gateway.metricReached(
                    #"turnpike_mirrored_requests_total{outcome="answered",service="shadow",tenant="acme"} \#(number)"#)
            }
            #expect(shadow.requests.map(\.target) == origin.requests.map(\.target))
            #expect(shadow.requests.map(\.contentBytes) == origin.requests.map(\.contentBytes))
            #expect(shadow.requests.allSatisfy { $0.head.contains("\r\nTurnpike-Mirror: true\r\n") })
            #expect(!origin.requests.contains { $0.head.contains("Turnpike-Mirror") })
            // Its connection is kept like any other.
            #expect(shadow.connections == 1)
            #expect(gateway.usage.total.requests == 10)
        }
        await origin.stop()
        await shadow.stop()
    }

    @Test(arguments: ["silent", "gone", "resets"], Transport.available)
    func `one that is of no use costs the client nothing`(way: String, on transport: Transport) async throws {
        let origin = try await Origin.start { _ in .ok("in earnest") }
        let shadow = try await Origin.start { _ in way == "silent" ? .silence : .rawThenReset("HTTP/1.1 200 OK\r\n") }
        let port = shadow.port
        if way == "gone" { await shadow.stop() }
        let pieces = resources(origin.port, shadow: port, responseTimeout: .milliseconds(200))
        try await GatewayHarness.run(on: transport, pieces) { gateway async throws in
            for _ in 0..<5 { #expect(try await gateway.get().text == "in earnest") }
            try await gateway.metricReached(
                #"turnpike_mirrored_requests_total{outcome="failed",service="shadow",tenant="acme"} 5"#)
            #expect(gateway.usage.total.requests == 5)
        }
        await origin.stop()
        await shadow.stop()
    }

    @Test(arguments: Transport.available)
    func `a copy under way holds nothing up when the gateway ends`(on transport: Transport) async throws {
        let origin = try await Origin.start()
        let shadow = try await Origin.start { _ in .silence }
        try await GatewayHarness.run(on: transport, resources(origin.port, shadow: shadow.port)) {
            gateway async throws in
            #expect(try await gateway.get().status == 200)
            await shadow.requestsArrived(1)
            let start = ContinuousClock.now
            await gateway.server.drain(timeout: .seconds(30))
            #expect(ContinuousClock.now - start < .seconds(20))
        }
        await origin.stop()
        await shadow.stop()
    }
}

extension GatewayHarness {
    /// Returns once the metrics have this line; waits at most ten seconds.
    func metricReached(_ line: String) async throws {
        let end = ContinuousClock.now + .seconds(10)
        while !metrics.render().contains(line) {
            guard ContinuousClock.now < end else { throw RawClient.Failure(description: "there is no '\(line)'") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
