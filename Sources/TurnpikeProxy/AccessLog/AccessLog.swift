// SPDX-License-Identifier: Apache-2.0

import TurnpikeProxyCore

/// One JSON line a request, gathered on the event loop and written by a thread that all loops share, so that a slow disk or
/// reader slows no request, and no line gets into another. Confined to that loop.
///
/// At most 8 MiB of all loops wait to be written. Lines beyond are dropped and counted, and a line of the log says how many.
final class AccessLog {
    private static let batchBytes = 64 << 10
    /// Nanoseconds that a line waits for others.
    private static let batchDelay: UInt64 = 100_000_000

    private let writer: DescriptorWriter
    private let format: AccessLogFormat
    private let loop: any EngineLoop
    private var lines: LogLineBuffer
    private var isFlushPlanned = false
    private var dropped = 0

    var wantsAgent: Bool { format.fields.contains(.userAgent) }

    init(_ writer: DescriptorWriter, in format: AccessLogFormat, loop: any EngineLoop) {
        self.writer = writer
        self.format = format
        lines = LogLineBuffer(of: format.fields)
        self.loop = loop
    }

    func write(
        _ exchange: ExchangeRecord, method: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer,
        host: UnsafeRawBufferPointer
    ) {
        guard format.keeps(exchange) else { return }
        guard writer.hasRoom else {
            dropped += 1
            return
        }
        if dropped > 0 {
            lines.append(droppedLines: dropped)
            dropped = 0
        }
        lines.append(exchange, method: method, path: path, host: host)
        if lines.count >= Self.batchBytes { return flush() }
        guard !isFlushPlanned else { return }
        isFlushPlanned = true
        loop.schedule(at: loop.now + Self.batchDelay) { self.flush() }
    }

    func flush() {
        isFlushPlanned = false
        let batch = lines.take()
        if !batch.isEmpty { writer.write(batch) }
    }

    /// Hands over the last lines, and calls back on the loop when they are written.
    func finish(_ done: @escaping () -> Void) {
        flush()
        let (loop, done) = (loop, LoopBound(done, on: loop))
        writer.whenWritten { loop.execute { done.value() } }
    }
}
