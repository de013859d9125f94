// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
import Testing
import TurnpikeModel
import TurnpikeTelemetry
import TurnpikeTestSupport

@testable import TurnpikeProxy
@testable import TurnpikeProxyCore
@testable import TurnpikeWorker

@Suite struct ExportRetryTests {
    private func decisions(_ outcome: ExportOutcome, _ times: Int) -> [ExportRetry.Decision] {
        var (retry, random) = (ExportRetry(), SeededGenerator(seed: 5))
        return (0..<times).map { _ in retry.decide(outcome, using: &random) }
    }

    @Test func `a collector that is away is tried so often and no more, in growing pauses that stay bounded`() {
        let made = decisions(.unreachable(reason: "refused"), ExportRetry.mostAttempts)
        #expect(made.last == .drop(reason: "undelivered"))
        for (index, decision) in made.dropLast().enumerated() {
            guard case .again(let pause) = decision else { return #expect(Bool(false), "\(decision)") }
            #expect(pause <= min(.seconds(1 << index), .seconds(10)))
        }
    }

    @Test func `a busy one is given the time that it asks for, up to a bound, and not for ever`() {
        let asked = decisions(.busy(status: 503, retryAfter: .seconds(7)), ExportRetry.mostAttempts)
        #expect(asked.dropLast().allSatisfy { $0 == .again(after: .seconds(7)) })
        #expect(asked.last == .drop(reason: "undelivered"))
        #expect(decisions(.busy(status: 429, retryAfter: .seconds(9000)), 1) == [.again(after: .seconds(30))])
    }

    @Test func `what is refused is not sent again, and what is accepted is done`() {
        #expect(decisions(.refused(status: 400), 1) == [.drop(reason: "refused")])
        #expect(decisions(.accepted(rejected: 3), 1) == [.done])
    }

    @Test(
        arguments: [
            (200, "{}", ExportOutcome.accepted(rejected: 0)), (200, "", .accepted(rejected: 0)),
            (200, #"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"no"}}"#, .accepted(rejected: 3)),
            (200, #"{"partialSuccess":{"rejectedSpans":2}}"#, .accepted(rejected: 2)),
            (200, #"{"partialSuccess":{"rejectedSpans":"-1"}}"#, .accepted(rejected: 0)),
            (400, "", .refused(status: 400)), (401, "", .refused(status: 401)), (413, "", .refused(status: 413)),
            (500, "", .refused(status: 500)), (301, "", .refused(status: 301)),
            (429, "", .busy(status: 429, retryAfter: nil)), (502, "", .busy(status: 502, retryAfter: nil)),
            (503, "", .busy(status: 503, retryAfter: nil)), (504, "", .busy(status: 504, retryAfter: nil)),
        ] as [(UInt, String, ExportOutcome)])
    func `answers mean what OTLP says`(status: UInt, text: String, outcome: ExportOutcome) {
        #expect(CollectorClient.outcome(status, [:], Array(text.utf8)) == outcome)
    }

    @Test(
        arguments: [("5", .seconds(5)), ("Fri, 31 Dec 2027 23:59:59 GMT", nil), ("-1", nil)] as [(String, Duration?)])
    func `Retry-After counts where it is a number of seconds`(text: String, pause: Duration?) {
        let outcome = CollectorClient.outcome(503, ["Retry-After": text], [])
        #expect(outcome == .busy(status: 503, retryAfter: pause))
    }
}

/// Batches on their way to a collector, over HTTP.
@Suite(.timeLimit(.minutes(1))) struct TraceExportTests {
    private func exchanges(_ count: Int) -> [TracedExchange] {
        (0..<count).map { number in
            var trace = TraceSample.trace()
            trace.tries = [TraceSample.attempt(UInt64(number + 1), status: 200)]
            return TraceSample.exchange(trace, status: 200)
        }
    }

    private func spans(_ request: FakeRequest) -> Int {
        request.body["resourceSpans"]?[0]?["scopeSpans"]?[0]?["spans"]?.array?.count ?? 0
    }

    /// An exporter before a collector; what is left at the end is flushed.
    private func export(
        _ count: Int, capacity: Int = 8192, to address: String? = nil, flush: Duration = .seconds(20),
        answering answer: @escaping FakeControlPlane.Answer,
        _ body: (FakeControlPlane, TraceBuffer) async throws -> Void = { _, _ in }
    ) async throws -> (requests: [FakeRequest], metrics: String) {
        try await FakeControlPlane.run(answering: answer) { collector in
            let metrics = MetricsRegistry()
            let buffer = TraceBuffer(capacity: capacity, metrics: metrics)
            let client = CollectorClient(
                try #require(CollectorAddress(address ?? collector.address)), timeout: .milliseconds(500))
            let exporter = TraceExporter(
                buffer: buffer, uplink: client, resource: [], interval: .milliseconds(1),
                retry: ExportRetry(backOff: quickBackOff), metrics: metrics,
                logger: quietLogger)
            buffer.add(exchanges(count))
            let running = Task { await exporter.run() }
            try await body(collector, buffer)
            running.cancel()
            await running.value
            await exporter.flush(within: flush)
            try await client.shutDown()
            // Room is there again for everything, whatever became of it.
            buffer.add(exchanges(capacity / 2))
            #expect(buffer.take().count == capacity / 2)
            return (collector.requests, metrics.render())
        }
    }

    @Test func `spans go in bounded batches, once each, as OTLP in JSON`() async throws {
        let (requests, metrics) = try await export(700, answering: { _ in .json(200, [:]) }) { collector, _ in
            await collector.wait { $0.count == 3 }
        }
        #expect(requests.map(spans).prefix(3) == [512, 512, 376])
        #expect(requests.allSatisfy { $0.method == "POST" && $0.target == "/v1/traces" })
        #expect(requests.allSatisfy { $0.headers["content-type"] == ["application/json"] && $0.bearer == nil })
        #expect(metrics.contains("turnpike_trace_spans_sent_total 1400"))
    }

    @Test func `a collector that is busy gets the same batch again, when it has said`() async throws {
        let busy = Countdown(2)
        let (requests, metrics) = try await export(
            3, answering: { _ in busy.isOver ? .json(200, [:]) : .busy(503, retryAfter: 0) }
        ) { collector, _ in await collector.wait { $0.count == 3 } }
        #expect(requests.map(spans).prefix(3) == [6, 6, 6] && Set(requests.map(\.body.text)).count == 1)
        #expect(metrics.contains("turnpike_trace_spans_sent_total 6"))
        #expect(metrics.contains(#"turnpike_trace_export_failures_total{reason="busy"} 2"#))
        #expect(!metrics.contains("reason=\"undelivered\""))
    }

    @Test func `a collector that refuses is not asked again for the same batch`() async throws {
        let refusing = Countdown(1)
        let (requests, metrics) = try await export(
            300, answering: { _ in refusing.isOver ? .json(200, [:]) : .problem(400, "no") }
        ) { collector, _ in await collector.wait { $0.count == 2 } }
        #expect(requests.map(spans).prefix(2) == [512, 88])
        #expect(metrics.contains(#"turnpike_trace_spans_dropped_total{reason="refused"} 512"#))
        #expect(metrics.contains("turnpike_trace_spans_sent_total 88"))
    }

    @Test func `spans that a collector does not want are counted`() async throws {
        let (_, metrics) = try await export(
            5, answering: { _ in .json(200, ["partialSuccess": ["rejectedSpans": "4", "errorMessage": "old"]]) })
        #expect(metrics.contains(#"turnpike_trace_spans_dropped_total{reason="rejected"} 4"#))
        #expect(metrics.contains("turnpike_trace_spans_sent_total 6"))
    }

    @Test(arguments: ["closes", "silent", "nobody listens"])
    func `a collector that is of no use costs the spans, in bounded time`(way: String) async throws {
        let (silence, end) = AsyncStream<Void>.makeStream()
        let (_, metrics) = try await export(
            3, to: way == "nobody listens" ? "http://127.0.0.1:1" : nil, flush: .milliseconds(200),
            answering: { _ in
                if way == "silent" { for await _ in silence {} }
                return .hangUp
            })
        end.finish()
        #expect(metrics.contains(/turnpike_trace_spans_dropped_total\{reason="(shutdown|undelivered)"\} 6/))
        #expect(metrics.contains("turnpike_trace_spans_sent_total 0"))
    }

    @Test func `what is left at the end is sent then`() async throws {
        let (requests, metrics) = try await export(2, answering: { _ in .json(200, [:]) }) { collector, buffer in
            await collector.wait { $0.count == 1 }
            buffer.add(exchanges(4))
        }
        #expect(requests.map(spans).reduce(0, +) >= 12)
        #expect(metrics.contains("turnpike_trace_spans_sent_total 12"))
    }
}
