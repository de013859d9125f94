// SPDX-License-Identifier: Apache-2.0

import Synchronization
public import TurnpikeModel
public import TurnpikeSnapshot

/// What is remembered of a worker that is away, over restarts of the control plane too.
public struct WorkerSighting: Sendable, Hashable {
    /// When it last sent anything.
    public var at: Timestamp
    /// What it said of itself then; `nil` where it said nothing.
    public var announcement: WorkerAnnouncement?

    public init(at: Timestamp, announcement: WorkerAnnouncement?) {
        self.at = at
        self.announcement = announcement
    }
}

extension Publisher {
    /// Workers as they were last seen, as far as that has not been saved.
    var unsavedSightings: [ResourceID: WorkerSighting] { state.withLock(\.fleet.unsavedSightings) }

    /// These sightings are durable; later ones are not.
    func noteSaved(_ sightings: [ResourceID: WorkerSighting]) {
        state.withLock { $0.fleet.noteSaved(sightings) }
    }
}
