// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeModel

/// Whether this worker should be given requests. Safe from any thread.
final class WorkerHealth: Sendable {
    private struct State {
        var hasConfiguration = false
        var isDraining = false
    }

    private let state = Mutex(State())

    func configurationApplied() { state.withLock { $0.hasConfiguration = true } }
    func draining() { state.withLock { $0.isDraining = true } }

    /// Why not; `nil` where it is ready. Without a control plane a worker is as ready as its last good configuration.
    var problem: TurnpikeError? {
        let state = state.withLock { $0 }
        if state.isDraining { return TurnpikeError(.draining, "The worker is shutting down.") }
        if !state.hasConfiguration { return TurnpikeError(.notReady, "The worker holds no configuration yet.") }
        return nil
    }
}
