// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// Which compiled resources the last revisions changed, so that a worker at a known revision is sent only what differs.
struct ChangeHistory: Sendable {
    private struct Entry: Sendable {
        var revision: Revision
        var names: Set<CompiledName>
    }

    /// Revisions, and names over all revisions, that are remembered.
    static let maximumRevisions = 10_000
    static let maximumNames = 500_000

    /// Revisions above this one are known completely.
    private(set) var floor: Revision
    /// Revisions that changed anything compiled, ascending, from `start` on.
    private var entries: [Entry] = []
    private var start = 0
    private var nameCount = 0

    init(from floor: Revision) { self.floor = floor }

    mutating func append(_ revision: Revision, _ names: Set<CompiledName>) {
        guard !names.isEmpty else { return }
        entries.append(Entry(revision: revision, names: names))
        nameCount += names.count
        while entries.count - start > Self.maximumRevisions || nameCount > Self.maximumNames { dropFirst() }
        if start > Self.maximumRevisions {
            entries.removeFirst(start)
            start = 0
        }
    }

    private mutating func dropFirst() {
        floor = entries[start].revision
        nameCount -= entries[start].names.count
        entries[start].names = []
        start += 1
    }

    /// The names that changed after a revision; `nil` where it lies too far back to tell.
    func names(changedAfter revision: Revision) -> Set<CompiledName>? {
        guard revision >= floor else { return nil }
        let first = firstEntry(above: revision)
        guard first < entries.count - 1 else { return first < entries.count ? entries[first].names : [] }
        return entries[first...].reduce(into: []) { $0.formUnion($1.names) }
    }

    /// The last revision at or below this one that changed anything compiled: a worker that serves by it serves by this
    /// one too. For revisions too far back to tell, the earliest that is certain to do.
    func lastEffective(atOrBelow revision: Revision) -> Revision {
        let first = firstEntry(above: revision)
        return first > start ? entries[first - 1].revision : min(revision, floor)
    }

    private func firstEntry(above revision: Revision) -> Int {
        var low = start
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].revision <= revision { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
