// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Callers that wait, each with what it has submitted, until somebody works on it: as many as there is room for, and none
/// once it is closed.
struct WaitingLine<Item: Sendable, Answer: Sendable>: Sendable {
    typealias Reply = Result<Answer, TurnpikeError>
    typealias Entry = (item: Item, caller: CheckedContinuation<Reply, Never>)

    private var entries: [Entry] = []
    private let capacity: Int
    private(set) var isClosed = false

    /// - Parameter capacity: entries that may wait; beyond, callers are refused with `overloaded`.
    init(capacity: Int) { self.capacity = capacity }

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }

    /// - Returns: why it does not take the entry, whose caller is the taker's to answer then; `nil` where it does.
    mutating func add(_ entry: Entry) -> TurnpikeError? {
        guard !isClosed else { return TurnpikeError(.draining, "The control plane is shutting down.") }
        guard entries.count < capacity else {
            return TurnpikeError(.overloaded, "Too many requests wait already.", retryAfter: .seconds(1))
        }
        entries.append(entry)
        return nil
    }

    /// Takes the first entries out.
    mutating func take(atMost most: Int) -> [Entry] {
        let taken = Array(entries.prefix(most))
        entries.removeFirst(taken.count)
        return taken
    }

    mutating func close() { isClosed = true }
}
