// SPDX-License-Identifier: Apache-2.0

import ServiceLifecycle
import Synchronization
import UnixSignals

/// SIGHUP, for all who read their files anew upon it. From ``trap()`` on it ends no process.
final class HangUps: ServiceLifecycle.Service {
    private let signals: UnixSignalsSequence
    private let listeners = Mutex<[AsyncStream<Void>.Continuation]>([])

    private init(_ signals: UnixSignalsSequence) { self.signals = signals }

    static func trap() async -> HangUps { HangUps(await UnixSignalsSequence(trapping: .sighup)) }

    /// An element for each SIGHUP from now on; of those that come while the listener is not ready, the last.
    func listen() -> AsyncStream<Void> {
        let (stream, listener) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        listeners.withLock { $0.append(listener) }
        return stream
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            for await _ in signals {
                for listener in listeners.withLock(\.self) { listener.yield() }
            }
        }
    }
}
