// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization
public import TurnpikeModel

/// Work that takes long because there is much to read, walk or compile, one piece after the other on a thread of its own.
/// The threads that serve everybody are as few as the machine's processors: a tenant's large requests must not hold them all,
/// while another's small write waits.
public final class LargeWork: Sendable {
    /// Pieces that may wait, the one under way among them.
    static let most = 64

    private let queue = DispatchQueue(label: "turnpike.large-work")
    private let waiting = Mutex(0)

    /// Pieces that wait, the one under way among them.
    var waitingCount: Int { waiting.withLock { $0 } }

    /// - Throws: what the work throws; `overloaded` where too much waits.
    public func run<Outcome: Sendable>(
        _ work: @escaping @Sendable () throws(TurnpikeError) -> Outcome
    ) async throws(TurnpikeError) -> Outcome {
        let isWelcome = waiting.withLock { waiting in
            guard waiting < Self.most else { return false }
            waiting += 1
            return true
        }
        guard isWelcome else {
            throw TurnpikeError(.overloaded, "Too many large requests wait.", retryAfter: .seconds(1))
        }
        defer { waiting.withLock { $0 -= 1 } }
        let done: Result<Outcome, TurnpikeError> = await withCheckedContinuation { caller in
            queue.async {
                caller.resume(returning: Result { () throws(TurnpikeError) in try work() })
            }
        }
        return try done.get()
    }
}
