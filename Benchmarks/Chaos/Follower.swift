// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TurnpikeModel
import TurnpikeSnapshot

/// A simulated worker that comes back whenever its stream ends, from the revision that it has.
struct Follower: Sendable {
    let worker: SimulatedWorker

    /// Keeps the worker connected until the flag is set and it has all that there is.
    func run(until stop: StopFlag) async throws {
        while !stop.isSet {
            if try await !worker.look().isConnected { try? await worker.connect() }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Waits until a worker serves by a revision.
    ///
    /// - Returns: its state; `nil` where it does not get there.
    static func state(of worker: SimulatedWorker, at revision: Revision) async throws -> Snapshot? {
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            let look = try await worker.look()
            if look.state.revision >= revision { return look.state }
            if !look.isConnected { try? await worker.connect() }
            try await Task.sleep(for: .milliseconds(5))
        }
        return nil
    }
}
