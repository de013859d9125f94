// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization
public import TurnpikeModel

/// Work that takes long because there is much to read, walk or compile, one piece after the other on a thread of its own.
/// The threads that serve everybody are as few as the machine's processors: a tenant's large requests must not hold them all,
/// while another's small write waits.
public final class LargeWork: Sendable {
    /// Resources from which on work is large: to look at fewer takes a moment.
    public static let leastResources = 1000

    private let most: Int
    private let refusal: String
    private let queue: DispatchQueue
    private let waiting = Mutex(0)

    /// - Parameters:
    ///   - label: of the thread.
    ///   - most: pieces that may wait, the one under way among them.
    ///   - refusal: what those are told who are one too many.
    public init(
        label: String = "turnpike.large-work", most: Int = 64, refusal: String = "Too many large requests wait."
    ) {
        self.most = most
        self.refusal = refusal
        queue = DispatchQueue(label: label)
    }

    /// Pieces that wait, the one under way among them.
    public var waitingCount: Int { waiting.withLock { $0 } }

    /// - Parameter isLarge: what is not is done at once, where it is asked for.
    /// - Throws: what the work throws; `overloaded` where too much waits.
    public func run<Outcome: Sendable>(
        if isLarge: Bool = true, _ work: @escaping @Sendable () throws(TurnpikeError) -> Outcome
    ) async throws(TurnpikeError) -> Outcome {
        guard isLarge else { return try work() }
        let isWelcome = waiting.withLock { waiting in
            guard waiting < most else { return false }
            waiting += 1
            return true
        }
        guard isWelcome else {
            throw TurnpikeError(.overloaded, refusal, retryAfter: .seconds(1))
        }
        defer { waiting.withLock { $0 -= 1 } }
        let done: Result<Outcome, TurnpikeError> = await withCheckedContinuation { caller in
            queue.async {
                caller.resume(returning: Result { () throws(TurnpikeError) in try work() })
            }
        }
        return try done.get()
    }

    /// The same for what must be done, since what it ends is durable: where too much waits, at once.
    public func finish<Outcome: Sendable>(
        if isLarge: Bool = true, _ work: @escaping @Sendable () -> Outcome
    ) async -> Outcome {
        guard isLarge, let outcome = try? await run(work) else { return work() }
        return outcome
    }
}
