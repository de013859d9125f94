// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// The log as it grows, for one reader. Nothing is queued for it: each page is read when the reader is ready for it.
///
/// Call `next` from one task at a time.
public final class ChangeFeed: Sendable {
    /// Entries read at once.
    static let pageSize = 500
    /// The longest silence towards a reader who watches.
    public static let heartbeatInterval = Duration.seconds(10)

    public enum Step: Sendable {
        case records([RevisionRecord])
        /// Nothing new has come up to this revision, which has been seen.
        case heartbeat(Revision)
    }

    private let control: ControlPlane
    private let query: LogQuery
    private let isWatching: Bool
    private let holder: Principal?
    private let place: FeedPlaces.Place

    init(
        control: ControlPlane, query: LogQuery, isWatching: Bool, holder: Principal?, place: FeedPlaces.Place
    ) {
        self.place = place
        self.holder = holder
        self.control = control
        self.query = query
        self.isWatching = isWatching
    }

    /// Where a reader goes on from.
    public var start: Revision { query.above }

    /// What comes after a revision; `nil` at the end, which a watched feed has when the control plane shuts down, the task
    /// is cancelled, or the holder's token is no longer what it was.
    ///
    /// - Parameter position: up to where the reader has seen the log; moved on.
    /// - Throws: `revisionGone`, `storageFailed`.
    public func next(after position: inout Revision) async throws(TurnpikeError) -> Step? {
        while !Task.isCancelled {
            if let holder, !control.isStillGood(holder) { return nil }
            // Only what is published: a reader who then asks for the resources finds them.
            let newest = control.publisher.revision
            if position < newest {
                var page = query
                (page.above, page.below) = (position, newest + 1)
                let found = try await control.records(page, for: .system)
                position = found.next ?? newest
                if !found.records.isEmpty { return .records(found.records) }
                // Nothing yet among those that were looked at.
                if found.next != nil { continue }
            }
            guard isWatching, !control.publisher.isDraining else { return nil }
            let hasNews = await control.publisher.waitForRevision(above: position, timeout: Self.heartbeatInterval)
            if !hasNews, !Task.isCancelled, !control.publisher.isDraining { return .heartbeat(position) }
        }
        return nil
    }
}
