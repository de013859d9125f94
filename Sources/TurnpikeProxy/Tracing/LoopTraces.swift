// SPDX-License-Identifier: Apache-2.0

import TurnpikeProxyCore
import TurnpikeTelemetry

/// Gathers the traced requests of one event loop, so that the buffer that all loops share is not locked for each of them.
/// Confined to that loop.
final class LoopTraces {
    private static let batchSize = 64
    /// Nanoseconds that a request waits for others.
    private static let batchDelay: UInt64 = 100_000_000

    private let buffer: TraceBuffer
    private let loop: any EngineLoop
    private var batch: [TracedExchange] = []
    private var isFlushPlanned = false

    init(_ buffer: TraceBuffer, loop: any EngineLoop) {
        self.buffer = buffer
        self.loop = loop
    }

    func write(
        _ trace: RequestTrace, _ exchange: ExchangeRecord, method: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer
    ) {
        // The engine's own time is of milliseconds, in which a span would not lie within its parent.
        batch.append(
            TracedExchange(
                trace: trace, exchange: exchange, method: String(decoding: method, as: UTF8.self),
                path: String(decoding: path, as: UTF8.self), endedAt: SystemTime.nanoseconds))
        if batch.count >= Self.batchSize { return flush() }
        guard !isFlushPlanned else { return }
        isFlushPlanned = true
        loop.schedule(at: loop.now + Self.batchDelay) { self.flush() }
    }

    func flush() {
        isFlushPlanned = false
        guard !batch.isEmpty else { return }
        buffer.add(batch)
        batch.removeAll(keepingCapacity: true)
    }
}
