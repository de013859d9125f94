// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// When the last revisions that changed anything compiled were published: what it takes workers to apply one is told from
/// that.
struct PublicationTimes: Sendable {
    /// Revisions that are remembered.
    static let most = 1024

    private var entries: [(revision: Revision, at: ContinuousClock.Instant)] = []
    /// Where the oldest stands, once the list is full.
    private var start = 0

    mutating func note(_ revision: Revision, at instant: ContinuousClock.Instant) {
        if entries.count < Self.most { return entries.append((revision, instant)) }
        entries[start] = (revision, instant)
        start = (start + 1) % Self.most
    }

    /// When the first revision above another was published, as far as they are remembered; `nil` where none is above it.
    func first(above revision: Revision) -> ContinuousClock.Instant? {
        // Both grow with the place, so the first is found by halving.
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entry(middle).revision > revision { high = middle } else { low = middle + 1 }
        }
        return low < entries.count ? entry(low).at : nil
    }

    private func entry(_ offset: Int) -> (revision: Revision, at: ContinuousClock.Instant) {
        entries[(start + offset) % entries.count]
    }

    /// When the first of the revisions in a range was published that came not before a time; `nil` where none is known.
    func first(
        above: Revision, through: Revision, since: ContinuousClock.Instant
    ) -> ContinuousClock.Instant? {
        for offset in entries.indices {
            let entry = entry(offset)
            if entry.revision > above, entry.at >= since { return entry.revision <= through ? entry.at : nil }
        }
        return nil
    }
}
