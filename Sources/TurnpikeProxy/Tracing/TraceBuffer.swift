// SPDX-License-Identifier: Apache-2.0

import Synchronization
public import TurnpikeProxyCore
public import TurnpikeTelemetry

/// Traced requests on their way from the event loops to whoever exports them. What finds no room is dropped and counted, so
/// that neither a collector that is away nor a flood of requests that ask to be traced takes memory or time from a loop.
///
/// Safe from any thread. A loop brings several at once, and waits at most for the others' appending to an array.
public final class TraceBuffer: Sendable {
    private struct State {
        var waiting: [TracedExchange] = []
        /// Spans of these, and of those that were taken and not released yet.
        var spans = 0
    }

    /// Spans that it holds at once, also while they are being exported.
    public let capacity: Int
    private let state = Mutex(State())
    private let dropped: Counter

    /// - Parameter capacity: spans, of about half a kilobyte each. Default 8,192.
    public init(capacity: Int = 8192, metrics: MetricsRegistry) {
        self.capacity = max(capacity, 1)
        dropped = metrics.counter(
            .traceSpansDropped, help: "Spans that were not exported.", labels: [("reason", "full")])
    }

    /// Keeps as many as there is room for, the first ones.
    public func add(_ exchanges: [TracedExchange]) {
        let lost = state.withLock { state in
            var lost = 0
            for exchange in exchanges {
                if state.spans + exchange.spanCount <= capacity {
                    state.waiting.append(exchange)
                    state.spans += exchange.spanCount
                } else {
                    lost += exchange.spanCount
                }
            }
            return lost
        }
        if lost > 0 { dropped.increment(by: UInt64(lost)) }
    }

    /// All that wait, in order. They take their room until they are released.
    public func take() -> [TracedExchange] {
        state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    /// So many of the spans that were taken are exported, or given up.
    public func release(spans: Int) {
        state.withLock { $0.spans = max($0.spans - spans, 0) }
    }
}

/// That a gateway traces requests: which ones, and where what they tell goes.
public struct GatewayTracing: Sendable {
    public var sampling: TraceSampling
    public var buffer: TraceBuffer

    public init(sampling: TraceSampling, buffer: TraceBuffer) {
        self.sampling = sampling
        self.buffer = buffer
    }
}
