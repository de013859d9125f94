// SPDX-License-Identifier: Apache-2.0

import Logging
import TurnpikeModel
import TurnpikeProxy
import TurnpikeTelemetry

/// Carries the traced requests of a gateway to a collector, a batch after the other, in order.
///
/// Spans are told at most a few times and never kept on a disk: what a collector does not take is dropped and counted, by reason,
/// in `turnpike_trace_spans_dropped_total`.
actor TraceExporter {
    private let buffer: TraceBuffer
    private let uplink: any SpanUplink
    private let resource: [Span.Attribute]
    /// Pause between two looks at the buffer.
    private let interval: Duration
    private let retry: ExportRetry
    private let metrics: TraceMetrics
    private let logger: Logger

    /// Taken from the buffer and not released.
    private var waiting: [TracedExchange] = []
    private var failures = 0

    /// Spans of a batch. With paths of 1 KiB it has less than 2 MiB, where collectors take 20.
    static let batchSpans = 512

    init(
        buffer: TraceBuffer, uplink: any SpanUplink, resource: [Span.Attribute], interval: Duration = .seconds(1),
        retry: ExportRetry = ExportRetry(), metrics: MetricsRegistry, logger: Logger
    ) {
        self.buffer = buffer
        self.uplink = uplink
        self.resource = resource
        self.interval = interval
        self.retry = retry
        self.metrics = TraceMetrics(metrics)
        self.logger = logger
    }

    /// Exports what comes until the task is cancelled; a batch that is under way then is sent again by ``flush(within:)``.
    func run() async {
        do {
            while true {
                if try await !exportBatch() { try await Task.sleep(for: interval) }
            }
        } catch {
            // Cancelled: nothing else is thrown.
        }
    }

    /// Exports what is left, for so long, and drops the rest. To be called when ``run()`` has returned and no more comes.
    func flush(within limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.exportAll() }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
        waiting += buffer.take()
        let rest = settle(waiting.count)
        if rest > 0 {
            metrics.dropped("shutdown").increment(by: UInt64(rest))
            logger.warning("The last spans could not be exported.", metadata: [LogKey.count: "\(rest)"])
        }
    }

    private func exportAll() async {
        while (try? await exportBatch()) == true {}
    }

    /// - Returns: whether there was one.
    private func exportBatch() async throws -> Bool {
        waiting += buffer.take()
        guard !waiting.isEmpty else { return false }
        // The first is taken in any case.
        var (count, spans) = (1, waiting[0].spanCount)
        while count < waiting.count, spans + waiting[count].spanCount <= Self.batchSpans {
            spans += waiting[count].spanCount
            count += 1
        }
        try await deliver(waiting[..<count].flatMap(\.spans))
        _ = settle(count)
        return true
    }

    /// Lets go of the first requests.
    ///
    /// - Returns: their spans.
    private func settle(_ count: Int) -> Int {
        let spans = waiting[..<count].reduce(0) { $0 + $1.spanCount }
        waiting.removeFirst(count)
        buffer.release(spans: spans)
        return spans
    }

    private func deliver(_ spans: [Span]) async throws {
        let body = OTLPTraces.body(spans, from: resource).utf8
        var (retry, random) = (retry, SystemRandomNumberGenerator())
        while true {
            let outcome = try await uplink.export(body)
            note(outcome)
            switch retry.decide(outcome, using: &random) {
            case .done:
                let rejected = if case .accepted(let rejected) = outcome { min(rejected, spans.count) } else { 0 }
                metrics.sent.increment(by: UInt64(spans.count - rejected))
                if rejected > 0 { metrics.dropped("rejected").increment(by: UInt64(rejected)) }
                return
            case .drop(let reason): return metrics.dropped(reason).increment(by: UInt64(spans.count))
            case .again(let pause): try await Task.sleep(for: pause)
            }
        }
    }

    // MARK: - Telling

    /// Counts failures, and writes a line of the first of a row and of every thirtieth after it.
    private func note(_ outcome: ExportOutcome) {
        let (reason, detail): (String, String)
        switch outcome {
        case .accepted:
            if failures > 0 { logger.info("Traces are exported again.") }
            failures = 0
            return
        case .busy(let status, _): (reason, detail) = ("busy", "status \(status)")
        case .refused(let status): (reason, detail) = ("refused", "status \(status)")
        case .unreachable(let why): (reason, detail) = ("unreachable", why)
        }
        metrics.failed(reason).increment()
        if failures.isMultiple(of: 30) {
            logger.warning(
                "Traces cannot be exported.", metadata: [LogKey.reason: "\(reason)", LogKey.error: "\(detail)"])
        }
        failures += 1
    }
}

/// What becomes of spans.
private struct TraceMetrics {
    private let registry: MetricsRegistry
    let sent: Counter

    init(_ registry: MetricsRegistry) {
        self.registry = registry
        sent = registry.counter(.traceSpansSent, help: "Spans that the collector has taken.")
    }

    func dropped(_ reason: String) -> Counter {
        registry.counter(.traceSpansDropped, help: "Spans that were not exported.", labels: [("reason", reason)])
    }

    func failed(_ reason: String) -> Counter {
        registry.counter(
            .traceExportFailures, help: "Batches of spans that were not taken at once.", labels: [("reason", reason)])
    }
}
