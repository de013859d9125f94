// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeControl
import TurnpikeModel

/// Lets requests in until the server drains, and knows how many of them have no answer yet.
final class Admission: Sendable {
    private struct State {
        var count = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    /// A request has come; ``leave()`` is to follow.
    ///
    /// - Throws: `draining` once it is closed.
    func enter() throws(TurnpikeError) {
        let isClosed = state.withLock { state in
            if !state.isClosed { state.count += 1 }
            return state.isClosed
        }
        if isClosed { throw .shuttingDown }
    }

    /// The request has its answer, of which the body may be under way still.
    func leave() { state.withLock { $0.count -= 1 } }

    /// Lets nobody in any more, and returns once all have left, or the time is over.
    ///
    /// Asks again and again, for it comes once in a process's life.
    func close(within limit: Duration) async {
        let deadline = ContinuousClock.now + limit
        state.withLock { $0.isClosed = true }
        while state.withLock(\.count) > 0, ContinuousClock.now < deadline, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(10))
        }
    }
}
