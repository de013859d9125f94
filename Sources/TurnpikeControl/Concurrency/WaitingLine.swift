// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Callers that wait, each with what it has submitted, until somebody works on it, tenants in turns: as many as there is
/// room for, and none once it is closed.
///
/// No tenant fills it: each may have as many entries as there is room left, so that one alone takes half of it, a second
/// half of what remains, and whoever comes next still finds room.
struct WaitingLine<Item: Sendable, Answer: Sendable>: Sendable {
    typealias Reply = Result<Answer, TurnpikeError>
    typealias Entry = (item: Item, caller: CheckedContinuation<Reply, Never>)

    private var entries = Turns<Entry>()
    private let room: Int
    private(set) var isClosed = false

    /// - Parameter capacity: entries of one tenant that may wait where nobody else does; beyond, callers are refused with
    ///   `overloaded`. Over all tenants there are never twice as many.
    init(capacity: Int) { room = 2 * capacity }

    var count: Int { entries.count }
    var isEmpty: Bool { entries.count == 0 }

    /// - Parameter tenant: whose the entry is; `nil`: nobody's.
    /// - Returns: why it does not take the entry, whose caller is the taker's to answer then; `nil` where it does.
    mutating func add(_ entry: Entry, of tenant: String? = nil) -> TurnpikeError? {
        guard !isClosed else { return .shuttingDown }
        guard entries.count(of: tenant) < room - entries.count else {
            return TurnpikeError(.overloaded, "Too many requests wait already.", retryAfter: .seconds(1))
        }
        entries.add(entry, of: tenant)
        return nil
    }

    /// Takes out the entries whose turn it is.
    mutating func take(atMost most: Int) -> [Entry] {
        var taken: [Entry] = []
        while taken.count < most, let entry = entries.next() { taken.append(entry) }
        return taken
    }

    mutating func close() { isClosed = true }
}
