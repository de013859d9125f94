// SPDX-License-Identifier: Apache-2.0

import TurnpikeProxyCore

#if os(Linux)
// Its header brings some of the C library's structures along, which then count as its own.
import CEpoll
#endif

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

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
        batch.append(
            TracedExchange(
                trace: trace, exchange: exchange, method: String(decoding: method, as: UTF8.self),
                path: String(decoding: path, as: UTF8.self), endedAt: Self.wallClock))
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

    /// Nanoseconds since 1970. Read for traced requests alone: the engine's own is of milliseconds, in which a span would not
    /// lie within its parent.
    private static var wallClock: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(clamping: time.tv_sec) * 1_000_000_000 + UInt64(clamping: time.tv_nsec)
    }
}
