// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// A long look at the view, a stretch at a time, which is told in the end what was written meanwhile: so it shows one
/// revision though nobody waited for it.
struct Walk: Sendable, Hashable {
    fileprivate let number: Int
}

/// What was written since each of the walks under way began.
struct Walks: Sendable {
    private var changed: [Walk: Set<ResourceKey>] = [:]
    private var last = 0

    mutating func begin() -> Walk {
        last += 1
        changed[Walk(number: last)] = []
        return Walk(number: last)
    }

    mutating func end(_ walk: Walk) { changed[walk] = nil }

    mutating func note(_ record: RevisionRecord) {
        guard !changed.isEmpty else { return }
        let keys = record.changes.compactMap(\.key)
        for walk in Array(changed.keys) { changed[walk]?.formUnion(keys) }
    }

    func keysChanged(since walk: Walk) -> Set<ResourceKey> { changed[walk] ?? [] }
}
