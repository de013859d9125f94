// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TurnpikeModel

/// Counts the workers that have acknowledged a revision.
///
/// `@unchecked Sendable`: all state is touched on the event loop only; the asynchronous functions go there.
final class RolloutCount: @unchecked Sendable {
    private let loop: any EventLoop
    private let workers: Int
    private var target: Revision = 0
    private var missing = 0
    private var caller: CheckedContinuation<ContinuousClock.Instant, Never>?

    init(of workers: Int, on loop: any EventLoop) {
        self.workers = workers
        self.loop = loop
    }

    /// To be called before the revision is written.
    ///
    /// - Returns: when the last worker's acknowledgement was answered.
    func completion(of revision: Revision) async -> ContinuousClock.Instant {
        await withCheckedContinuation { caller in
            loop.execute {
                self.target = revision
                self.missing = self.workers
                self.caller = caller
            }
        }
    }

    /// To be called on the loop.
    func take(_ revision: Revision) {
        guard revision == target, missing > 0 else { return }
        missing -= 1
        guard missing == 0 else { return }
        caller?.resume(returning: .now)
        caller = nil
    }
}
