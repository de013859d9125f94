// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxy
@testable import TurnpikeProxyCore
@testable import TurnpikeTelemetry

/// Traces of requests over sockets: what upstreams are told and what the buffer gets agree, whatever is spoken.
@Suite(.timeLimit(.minutes(1))) struct TracingServingTests {
    private func tracing(share: Double, capacity: Int = 100, metrics: MetricsRegistry = .init()) -> GatewayTracing {
        GatewayTracing(sampling: TraceSampling(share: share), buffer: TraceBuffer(capacity: capacity, metrics: metrics))
    }

    private func traceparent(_ head: String) -> String? {
        head.split(separator: "\r\n").first { $0.hasPrefix("traceparent: ") }.map { String($0.dropFirst(13)) }
    }

    private func text(_ trace: RequestTrace, _ span: UInt64) -> String {
        TraceContext(
            traceID: .init(high: trace.traceHigh, low: trace.traceLow), parentID: span, isSampled: true
        ).header
    }

    @Test(arguments: Transport.available)
    func `upstreams are told the span of the try that is recorded`(on transport: Transport) async throws {
        let origin = try await Origin.start()
        let tracing = tracing(share: 1)
        try await GatewayHarness.run(
            on: transport, [Pieces.route(), Pieces.cluster(origin.port)], loops: 2, tracing: tracing
        ) { gateway async throws in
            for number in 0..<20 { #expect(try await gateway.get("/v1/orders/\(number)?a=b").status == 200) }
        }
        // Draining hands over the last.
        let traced = tracing.buffer.take()
        #expect(traced.count == 20 && Set(traced.map(\.trace.traceLow)).count == 20)
        #expect(Set(traced.map(\.path)) == Set((0..<20).map { "/v1/orders/\($0)" }))
        #expect(traced.allSatisfy { $0.exchange.status == 200 && $0.trace.version == .http11 && $0.endedAt > 0 })
        let told = Set(origin.requests.compactMap { traceparent($0.head) })
        #expect(told == Set(traced.map { text($0.trace, $0.trace.tries[0].span) }))
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `an upstream over HTTP-2 is told it as well`(on transport: Transport) async throws {
        let origin = try await HTTP2Origin.start()
        let tracing = tracing(share: 1)
        try await GatewayHarness.run(
            on: transport, [Pieces.route(), Pieces.cluster(origin.port, protocol: .http2)], tracing: tracing
        ) { gateway async throws in
            #expect(try await gateway.get().status == 200)
        }
        let trace = try #require(tracing.buffer.take().first?.trace)
        #expect(origin.requests.map { $0["traceparent"] } == [text(trace, trace.tries[0].span)])
        #expect(trace.tries[0].endpoint.wire.speaksHTTP2)
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `each stream of a HTTP-2 connection is a request with a trace of its own`(transport: Transport) async throws {
        let origin = try await Origin.start()
        let tracing = tracing(share: 0)
        try await GatewayHarness.run(
            on: transport, [Pieces.route(), Pieces.cluster(origin.port)],
            certificates: [try TestCertificate.make("api.acme.test")], tracing: tracing
        ) { gateway async throws in
            let client = try await HTTP2Client.connect(port: gateway.securePort)
            for number in 1...3 {
                let parent = "00-000000000000000000000000000000a\(number)-00000000000000b\(number)-01"
                #expect(try await client.get("/v1/orders", [("traceparent", parent)]).status == 200)
            }
            #expect(try await client.get("/v1/orders").status == 200)
            await client.close()
        }
        let traces = tracing.buffer.take().map(\.trace)
        #expect(traces.map(\.traceLow) == [0xa1, 0xa2, 0xa3] && traces.map(\.parent) == [0xb1, 0xb2, 0xb3])
        #expect(traces.allSatisfy { $0.version == .http2 && $0.scheme == .https && $0.host == "api.acme.test" })
        #expect(
            origin.requests.prefix(3).map { traceparent($0.head) } == traces.map { text($0, $0.tries[0].span) })
        await origin.stop()
    }

    @Test(arguments: Transport.available)
    func `what finds no room is dropped and counted, and requests are served`(on transport: Transport) async throws {
        let origin = try await Origin.start()
        let metrics = MetricsRegistry()
        let tracing = tracing(share: 1, capacity: 10, metrics: metrics)
        try await GatewayHarness.run(
            on: transport, [Pieces.route(), Pieces.cluster(origin.port)], tracing: tracing
        ) { gateway async throws in
            for _ in 0..<12 { #expect(try await gateway.get().status == 200) }
        }
        #expect(tracing.buffer.take().count == 5)
        #expect(metrics.render().contains(#"turnpike_trace_spans_dropped_total{reason="full"} 14"#))
        await origin.stop()
    }
}

@Suite struct TraceBufferTests {
    private func exchange(tries: Int) -> TracedExchange {
        let head = RequestHead()
        let trace = [UInt8]().withUnsafeBytes { bytes in
            RequestTrace(
                TraceParent(traceHigh: 1, traceLow: 2, parent: 3), parent: nil, span: 4, head, bytes, from: .unknown,
                over: .http, isHTTP2: false, now: 0)
        }
        var exchange = TracedExchange(
            trace: trace,
            exchange: ExchangeRecord(
                requestID: RequestID(high: 1, low: 1), receivedAt: Timestamp(seconds: 1), status: 200, bytesIn: 1,
                bytesOut: 1, duration: 1, attempts: tries, admitted: true), method: "GET", path: "/", endedAt: 1)
        for number in 0..<tries {
            exchange.trace.tries.append(
                RequestTrace.Try(
                    span: UInt64(number + 1), service: "orders", endpoint: EndpointAddress(host: "10.0.0.1", port: 80),
                    isReused: false, startedAt: 0))
        }
        return exchange
    }

    @Test func `room is taken until it is released, not until it is taken out`() {
        let buffer = TraceBuffer(capacity: 6, metrics: MetricsRegistry())
        buffer.add([exchange(tries: 2), exchange(tries: 1), exchange(tries: 1)])
        #expect(buffer.take().map(\.spanCount) == [3, 2])
        buffer.add([exchange(tries: 1), exchange(tries: 0)])
        #expect(buffer.take().map(\.spanCount) == [1])
        buffer.release(spans: 5)
        buffer.add([exchange(tries: 4)])
        #expect(buffer.take().map(\.spanCount) == [5])
    }
}
