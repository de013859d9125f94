// SPDX-License-Identifier: Apache-2.0

public import ServiceLifecycle
import UnixSignals

/// SIGTERM and SIGINT, taken over before anything else is done: one that comes while files are opened still is heard once the
/// services run, and ends them in good order.
///
/// Has its service group shut down gracefully by ending.
public struct StopSignals: ServiceLifecycle.Service {
    private let signals: UnixSignalsSequence

    /// - Returns: once neither signal ends the process any more.
    public static func trap() async -> StopSignals {
        StopSignals(signals: await UnixSignalsSequence(trapping: .sigterm, .sigint))
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown { [signals] in
            for await _ in signals { return }
        }
    }
}
