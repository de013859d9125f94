// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// The registered workers and what each is known to serve by.
struct Fleet: Sendable {
    struct Member: Sendable {
        var status: WorkerStatus
        /// When the last of its credentials runs out.
        var expiresAt: Timestamp
        /// When this control plane learned of it: at its own start, or as the worker joined.
        var knownSince: Timestamp

        /// Where the worker stands towards a revision.
        func standing(towards target: Revision) -> Standing {
            if let applied = status.appliedRevision, applied >= target { return .applied }
            if let rejection = status.rejection, rejection.revision >= target { return .rejected }
            return .pending
        }

        /// Whether it is connected, or was a moment ago.
        func isPresent(at now: Timestamp) -> Bool {
            // What is remembered from before a restart does not count: its workers are on their way back.
            let since = max(status.lastSeen ?? knownSince, knownSince)
            return status.isConnected || since.duration(to: now) < Fleet.patience
        }
    }

    enum Standing { case applied, pending, rejected }

    /// A worker unseen for longer is listed but not waited for. One that has not been seen at all counts from when it
    /// became known: after a restart of the control plane its workers are on their way back.
    static let patience = Duration.seconds(60)

    /// Workers that may be registered, and so connected.
    static let mostWorkers = 10_000

    private(set) var members: [ResourceID: Member] = [:]
    /// By capability, how many connected workers lack it: asked for with every write, and changed only with streams.
    private var lackingWorkers: [Capability: Int] = [:]

    /// Workers seen since that was last saved.
    private var unsaved: Set<ResourceID> = []

    /// What some connected worker cannot do.
    var lacking: Set<Capability> { Set(lackingWorkers.keys) }

    /// Takes a worker's resource as it is now.
    mutating func update(_ resource: Resource, at now: Timestamp) {
        guard let worker = resource.spec as? Worker else { return }
        let status = WorkerStatus(id: resource.id, name: resource.key.name, role: worker.role)
        let expiresAt = worker.credentials.map(\.expiresAt).max() ?? Timestamp(milliseconds: 0)
        members[resource.id, default: Member(status: status, expiresAt: expiresAt, knownSince: now)].expiresAt =
            expiresAt
    }

    mutating func remove(_ id: ResourceID) {
        if let member = members.removeValue(forKey: id) { count(member.status, by: -1) }
        unsaved.remove(id)
    }

    mutating func change(_ id: ResourceID, at now: Timestamp? = nil, _ change: (inout WorkerStatus) -> Void = { _ in })
    {
        guard let before = members[id]?.status else { return }
        var after = before
        if let now {
            after.lastSeen = now
            unsaved.insert(id)
        }
        change(&after)
        members[id]?.status = after
        guard before.isConnected != after.isConnected || before.announcement != after.announcement else { return }
        count(before, by: -1)
        count(after, by: 1)
    }

    private mutating func count(_ status: WorkerStatus, by direction: Int) {
        guard status.isConnected, let announcement = status.announcement else { return }
        for capability in Capability.allCases where announcement.lacks(capability) {
            let count = lackingWorkers[capability, default: 0] + direction
            lackingWorkers[capability] = count == 0 ? nil : count
        }
    }

    // MARK: Sightings

    /// Takes what is remembered of a worker from before this control plane's start.
    mutating func recall(_ id: ResourceID, _ sighting: WorkerSighting) {
        members[id]?.status.lastSeen = sighting.at
        members[id]?.status.announcement = sighting.announcement
    }

    var unsavedSightings: [ResourceID: WorkerSighting] {
        unsaved.reduce(into: [:]) { sightings, id in sightings[id] = members[id]?.status.sighting }
    }

    mutating func noteSaved(_ sightings: [ResourceID: WorkerSighting]) {
        for (id, sighting) in sightings where members[id]?.status.sighting == sighting { unsaved.remove(id) }
    }

    /// Nobody was seen after now, whatever the clock said before it went back: who has been away is given up on in time.
    mutating func noteTime(_ now: Timestamp) {
        for place in members.values.indices {
            if members.values[place].knownSince > now { members.values[place].knownSince = now }
            if let lastSeen = members.values[place].status.lastSeen, lastSeen > now {
                members.values[place].status.lastSeen = now
            }
        }
    }

    func isAwaited(_ worker: ResourceID, for target: Revision, now: Timestamp) -> Bool {
        members[worker].map { isAwaited($0, for: target, now: now) } ?? false
    }

    private func isAwaited(_ member: Member, for target: Revision, now: Timestamp) -> Bool {
        member.standing(towards: target) == .pending && member.isPresent(at: now)
    }

    /// The workers that are connected, or were a moment ago.
    func present(at now: Timestamp) -> [WorkerStatus] {
        members.values.filter { $0.isPresent(at: now) }.map(\.status)
    }

    /// The workers that are worth waiting for until they serve by `target`.
    func awaited(for target: Revision, now: Timestamp) -> Set<ResourceID> {
        Set(members.values.lazy.filter { isAwaited($0, for: target, now: now) }.map(\.status.id))
    }

    func rollout(of revision: Revision, target: Revision, now: Timestamp) -> Rollout {
        var rollout = Rollout(
            revision: revision, applied: [], pending: [], rejected: [], awaited: awaited(for: target, now: now)
        )
        for member in members.values.sorted(by: { $0.status.name < $1.status.name }) {
            switch member.standing(towards: target) {
            case .applied: rollout.applied.append(member.status)
            case .pending: rollout.pending.append(member.status)
            case .rejected: rollout.rejected.append(member.status)
            }
        }
        return rollout
    }
}

extension WorkerStatus {
    fileprivate var sighting: WorkerSighting? {
        lastSeen.map { WorkerSighting(at: $0, announcement: announcement) }
    }
}
