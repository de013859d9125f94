// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeProxyCore
import TurnpikeTelemetry

@testable import TurnpikeProxy

@Suite(.timeLimit(.minutes(1))) struct GatewayMetricsTests {
    @Test(arguments: Transport.available)
    func `requests are counted by tenant, route and class of status, and nothing that a client chose`(
        on transport: Transport
    )
        async throws
    {
        let origin = try await Origin.start()
        try await GatewayHarness.run(on: transport, [Pieces.route(), Pieces.cluster(origin.port)]) {
            gateway async throws in
            for _ in 0..<3 { #expect(try await gateway.get().status == 200) }
            for number in 0..<5 { #expect(try await gateway.get("/nowhere-\(number)").status == 404) }
            let text = gateway.metrics.render()
            #expect(text.contains(#"turnpike_requests_total{route="orders",status_class="2xx",tenant="acme"} 3"#))
            #expect(text.contains(#"turnpike_requests_total{route="",status_class="4xx",tenant=""} 5"#))
            #expect(text.contains(#"turnpike_request_duration_seconds_count{tenant="acme"} 3"#))
            #expect(text.contains(#"turnpike_upstream_duration_seconds_count{tenant="acme"} 3"#))
            #expect(text.contains(#"turnpike_upstream_duration_seconds_count{tenant=""} 0"#))
            #expect(text.contains(#"turnpike_requests_refused_total{reason="no-route",tenant=""} 5"#))
            #expect(!text.contains("nowhere"))
        }
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `connections that find no room are counted`(on transport: Transport) async throws {
        try await GatewayHarness.run(on: transport, [], connections: 1) { gateway async throws in
            let first = try await gateway.connect()
            try await first.send(GatewayHarness.get())
            #expect(try await first.response().status == 404)
            #expect(!gateway.metrics.render().contains("turnpike_connections_refused_total"))
            for _ in 0..<2 { #expect(try await gateway.connect().untilClosed().isEmpty) }
            #expect(gateway.metrics.render().contains("turnpike_connections_refused_total 2"))
        }
    }
}
