// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeModel

/// Gathers what concurrent callers submit into batches and works on one batch at a time: while one is being made
/// durable, the next fills. So many callers share one transaction, and what must not run side by side does not.
///
/// The batches run on a task of the queue's own, which lives while there is work: a caller that is cancelled does not
/// take the others' work down with it, and its own is finished all the same. `close()` waits for that task.
final class BatchQueue<Item: Sendable, Answer: Sendable>: Sendable {
    typealias Line = WaitingLine<Item, Answer>
    typealias Reply = Line.Reply

    private struct State {
        var waiting: Line
        var work: Task<Void, Never>?
    }

    private let state: Mutex<State>
    private let batchLimit: Int
    private let process: @Sendable ([Item]) async -> [Reply]

    /// - Parameters:
    ///   - capacity: items that may wait; beyond, callers are refused with `overloaded`.
    ///   - batchLimit: items in one batch.
    ///   - process: works on a batch and gives one reply for each item, in order.
    init(capacity: Int, batchLimit: Int, process: @escaping @Sendable ([Item]) async -> [Reply]) {
        state = Mutex(State(waiting: Line(capacity: capacity)))
        self.batchLimit = batchLimit
        self.process = process
    }

    /// Waits for the item's batch and gives its reply.
    ///
    /// - Throws: what the processing says; `overloaded` where too many wait; `draining` after `close()`.
    func submit(_ item: Item) async throws(TurnpikeError) -> Answer {
        let reply = await withCheckedContinuation { caller in
            if let refusal = enqueue((item, caller)) { caller.resume(returning: .failure(refusal)) }
        }
        return try reply.get()
    }

    var waitingCount: Int { state.withLock { $0.waiting.count } }
    var isClosed: Bool { state.withLock(\.waiting.isClosed) }

    /// Takes no more, and returns once what was taken is done.
    func close() async {
        let work = state.withLock { state in
            state.waiting.close()
            return state.work
        }
        await work?.value
    }

    private func enqueue(_ entry: Line.Entry) -> TurnpikeError? {
        state.withLock { state in
            if let refusal = state.waiting.add(entry) { return refusal }
            if state.work == nil { state.work = Task { await self.workOff() } }
            return nil
        }
    }

    private func workOff() async {
        while let batch = nextBatch() {
            let replies = await process(batch.map(\.item))
            for (entry, reply) in zip(batch, replies) { entry.caller.resume(returning: reply) }
        }
    }

    private func nextBatch() -> [Line.Entry]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.work = nil
                return nil
            }
            return state.waiting.take(atMost: batchLimit)
        }
    }
}
