// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOPosix
import Synchronization
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry

/// Keeps the configuration that is served on disk, for a start without the control plane.
///
/// One write at a time, on a thread that may block; of what comes meanwhile, only the newest is written. After each
/// write the store rests for several times as long as the write took, so that a large configuration that changes all
/// the time does not keep the disk busy; what it is behind by comes with the stream after a restart.
final class LastGoodStore: Sendable {
    private let file: LastGoodFile
    private let threads: NIOThreadPool
    private let logger: Logger
    private let snapshots: AsyncStream<Snapshot>
    private let incoming: AsyncStream<Snapshot>.Continuation
    private let pause = Mutex(Pause())

    private struct Pause {
        var isOver = false
        var task: Task<Void, Never>?
    }

    init(path: String, threads: NIOThreadPool = .singleton, logger: Logger) {
        file = LastGoodFile(path: path)
        self.threads = threads
        self.logger = logger
        (snapshots, incoming) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// What was stored, or `nil`. A damaged file is set aside and told of: the worker then waits for the control plane
    /// rather than serve half a configuration.
    func load() async throws -> Snapshot? {
        try await threads.runIfActive { [file, logger] in
            do {
                return try file.read()
            } catch let error as TurnpikeError {
                let place = try file.setAside()
                logger.error(
                    "The last good configuration is damaged and not used.",
                    metadata: [LogKey.file: "\(place)", LogKey.error: "\(error.detail)"]
                )
                return nil
            }
        }
    }

    /// Has the configuration written soon. Returns at once.
    func save(_ snapshot: Snapshot) { incoming.yield(snapshot) }

    /// After the last ``save(_:)``: lets ``run()`` write what is waiting, without rest, and return.
    func finish() {
        incoming.finish()
        pause.withLock { pause in
            pause.isOver = true
            pause.task?.cancel()
        }
    }

    /// Writes until ``finish()``. Call once.
    func run() async {
        for await snapshot in snapshots {
            let duration = await ContinuousClock().measure { await write(snapshot) }
            await rest(for: min(duration * LastGoodStore.restPerWrite, LastGoodStore.longestRest))
        }
    }

    private func rest(for duration: Duration) async {
        let task = pause.withLock { pause -> Task<Void, Never>? in
            guard !pause.isOver else { return nil }
            // Its only error is that it was cancelled, which is what ends a rest early.
            pause.task = Task { try? await Task.sleep(for: duration) }
            return pause.task
        }
        await task?.value
    }

    private func write(_ snapshot: Snapshot) async {
        do {
            try await threads.runIfActive { [file] in try file.write(snapshot) }
        } catch {
            logger.error(
                "The configuration cannot be stored for the next start.",
                metadata: [LogKey.revision: "\(snapshot.revision)", LogKey.error: "\(error)"]
            )
        }
    }

    private static let restPerWrite = 4
    private static let longestRest = Duration.seconds(30)
}
