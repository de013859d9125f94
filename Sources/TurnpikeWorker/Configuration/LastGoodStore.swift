// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOPosix
import Synchronization
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry

/// Keeps the configuration that is served on disk, for a start without the control plane.
///
/// Changes are added to the file's log, those that come during a write all at once with the next, on a thread that may
/// block. What cannot be written is kept and tried again with the next change; what the file is behind by comes with the
/// stream after a restart.
final class LastGoodStore: Sendable {
    /// Changes that wait for the disk at most. Beyond, the file stays as it is until the next start.
    static let mostWaiting = 100_000

    private struct State {
        var waiting: [Delta] = []
        /// The log's length.
        var length = 0
        /// Changes were let go of: what follows may not be written behind the gap.
        var hasGap = false
    }

    private let file: LastGoodFile
    private let threads: NIOThreadPool
    private let logger: Logger
    private let state = Mutex(State())
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    init(path: String, threads: NIOThreadPool = .singleton, logger: Logger) {
        file = LastGoodFile(path: path)
        self.threads = threads
        self.logger = logger
        (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Calls `each` with what was stored: a whole configuration, and the changes since. A damaged file is set aside and
    /// told of: the worker then waits for the control plane rather than serve half a configuration.
    ///
    /// - Returns: whether there was anything.
    func load(_ each: (Delta) async throws -> Void) async throws -> Bool {
        do {
            guard let length = try await file.read(each) else { return false }
            state.withLock { $0.length = length }
            return true
        } catch let error as TurnpikeError {
            let place = try file.setAside()
            logger.error(
                "The last good configuration is damaged and not used.",
                metadata: [LogKey.file: "\(place)", LogKey.error: "\(error.detail)"]
            )
            return false
        }
    }

    /// Whether what was stored, where anything was, holds all that this release can be told.
    var isComplete: Bool { file.hasAllTypes }

    /// Has the change written soon. Returns at once.
    func save(_ delta: Delta) {
        let isLost = state.withLock { state in
            // A whole configuration makes good for whatever was not written before it.
            if delta.isSnapshot {
                state.waiting = []
                state.hasGap = false
            }
            guard !state.hasGap else { return false }
            guard state.waiting.count < Self.mostWaiting else {
                state.waiting = []
                state.hasGap = true
                return true
            }
            state.waiting.append(delta)
            return false
        }
        if isLost {
            logger.error(
                "The disk does not keep up: the last good configuration stays behind until the next start.",
                metadata: [LogKey.revision: "\(delta.revision)"])
        }
        signal.yield()
    }

    /// After the last ``save(_:)``: lets ``run()`` write what is waiting, and return.
    func finish() { signal.finish() }

    /// Writes until ``finish()``. Call once.
    func run() async {
        for await _ in signals { await writeWaiting() }
        await writeWaiting()
    }

    private func writeWaiting() async {
        guard await writeBatch() else { return }
        let length = state.withLock(\.length)
        // Only now that the batch is let go of: making a new base takes time and memory of its own.
        guard file.isDue(logLength: length) else { return }
        do {
            try await threads.runIfActive { [file] in try file.compact() }
            state.withLock { $0.length = 0 }
            Allocator.trim()
        } catch {
            logger.error(
                "The stored configuration cannot be folded; that is tried again with the next change.",
                metadata: [LogKey.error: "\(error)"])
        }
    }

    /// - Returns: whether anything was written.
    private func writeBatch() async -> Bool {
        let (batch, length) = state.withLock { state in
            defer { state.waiting = [] }
            return (state.waiting, state.length)
        }
        guard !batch.isEmpty else { return false }
        do {
            let written = try await threads.runIfActive { [file] in try file.write(batch, at: length) }
            state.withLock { $0.length = written }
            if batch.contains(where: { $0.set.count > Allocator.largeWork }) { Allocator.trim() }
            return true
        } catch {
            state.withLock { state in
                // A whole configuration that came meanwhile stands for all of it.
                if state.waiting.first?.isSnapshot != true { state.waiting = batch + state.waiting }
            }
            logger.error(
                "The configuration cannot be stored for the next start.",
                metadata: [LogKey.revision: "\(batch.last?.revision ?? 0)", LogKey.error: "\(error)"]
            )
            return false
        }
    }
}

extension LastGoodFile {
    /// Writes changes, of which only the first may be a whole configuration.
    ///
    /// - Returns: the log's length.
    fileprivate func write(_ deltas: [Delta], at length: Int) throws -> Int {
        var (rest, length) = (deltas[...], length)
        if let first = deltas.first, first.isSnapshot {
            try replace(with: first)
            try noteTypes()
            rest = deltas.dropFirst()
            length = 0
        }
        if !rest.isEmpty { length = try append(Array(rest), at: length) }
        return length
    }
}
