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

    /// When the first of the revisions in a range was published that came not before a time; `nil` where none is known.
    func first(
        above: Revision, through: Revision, since: ContinuousClock.Instant
    ) -> ContinuousClock.Instant? {
        for offset in entries.indices {
            let entry = entries[(start + offset) % entries.count]
            if entry.revision > above, entry.at >= since { return entry.revision <= through ? entry.at : nil }
        }
        return nil
    }
}
