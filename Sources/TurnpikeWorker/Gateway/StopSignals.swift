// SPDX-License-Identifier: Apache-2.0

import ServiceLifecycle
import UnixSignals

/// SIGTERM and SIGINT, taken over before anything else is done: one that comes while files are opened still is heard once the
/// services run, and ends them in good order.
///
/// Has its service group shut down gracefully by ending.
struct StopSignals: ServiceLifecycle.Service {
    private let signals: UnixSignalsSequence

    /// - Returns: once neither signal ends the process any more.
    static func trap() async -> StopSignals {
        StopSignals(signals: await UnixSignalsSequence(trapping: .sigterm, .sigint))
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { [signals] in
            for await _ in signals { return }
        }
    }
}
