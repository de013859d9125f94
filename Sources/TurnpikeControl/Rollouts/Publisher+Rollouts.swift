// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeCompiler
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry

extension Publisher {
    /// - Throws: `notFound` for a revision that is not there yet.
    func rollout(of revision: Revision) throws(TurnpikeError) -> Rollout {
        let now = clock.now
        let rollout: Rollout? = state.withLock { state in
            guard (0...state.revision).contains(revision) else { return nil }
            let target = state.history.lastEffective(atOrBelow: revision)
            var rollout = state.fleet.rollout(of: revision, target: target, now: now)
            for list in [\Rollout.applied, \.pending, \.rejected] {
                rollout[keyPath: list] = rollout[keyPath: list].map { state.withLag($0) }
            }
            return rollout
        }
        guard let rollout else { throw TurnpikeError(.notFound, "There is no revision \(revision).") }
        return rollout
    }

    /// Returns once no worker is worth waiting for, or the task is cancelled.
    func waitForRollout(of revision: Revision) async {
        let serial = state.withLock { state in
            state.lastSerial += 1
            return state.lastSerial
        }
        let now = clock.now
        await withTaskCancellationHandler {
            await withCheckedContinuation { caller in
                let mustWait = state.withLock { state in
                    let target = state.history.lastEffective(atOrBelow: revision)
                    let awaited = state.fleet.awaited(for: target, now: now)
                    guard !awaited.isEmpty, !state.isDraining, !Task.isCancelled else { return false }
                    state.rolloutWaits.add(serial, for: awaited, target: target, caller)
                    return true
                }
                if !mustWait { caller.resume() }
            }
        } onCancel: {
            state.withLock { $0.rolloutWaits.remove(serial: serial) }?.resume()
        }
    }

    /// A worker says what became of a delta.
    ///
    /// - Throws: `unauthenticated` where the worker is no longer registered; `invalidResource` for a revision that is
    ///   not there yet.
    func acknowledge(_ acknowledgement: Acknowledgement, by worker: ResourceID) throws(TurnpikeError) {
        let now = clock.now
        let outcome: Result<[CheckedContinuation<Void, Never>], TurnpikeError> = state.withLock { state in
            guard state.fleet.members[worker] != nil else { return .failure(.unauthenticated) }
            guard acknowledgement.revision <= state.revision else {
                let place = JSONPointer().appending("revision")
                let detail = "There is no revision \(acknowledgement.revision)."
                return .failure(.invalid([Fault(place, .range, detail)]))
            }
            if acknowledgement.isApplied { observeRollout(of: acknowledgement.revision, to: worker, state) }
            state.fleet.change(worker, at: now) { $0.take(acknowledgement) }
            if !acknowledgement.isApplied {
                let applied = state.fleet.members[worker]?.status.appliedRevision
                state.streams[worker]?.refuse(acknowledgement.revision, servingBy: applied)
            }
            let member = state.fleet.members[worker]
            let done = state.rolloutWaits.remove(worker) { member?.standing(towards: $0) != .pending }
            return .success(done + state.callerWithNews(of: worker))
        }
        for caller in try outcome.get() { caller.resume() }
    }

    /// Measures how long a worker has taken for what it now says that it has applied, counted from the first of it, and
    /// from when its stream was open.
    private func observeRollout(of revision: Revision, to worker: ResourceID, _ state: State) {
        guard let stream = state.streams[worker], let before = state.fleet.members[worker]?.status.appliedRevision,
            let start = state.publicationTimes.first(above: before, through: revision, since: stream.openedAt)
        else { return }
        metrics.rolloutDuration.observe(ContinuousClock.now - start)
    }

    /// Notes that a worker is there.
    ///
    /// - Throws: `unauthenticated` where it is no longer registered.
    func touch(_ worker: ResourceID) throws(TurnpikeError) {
        let now = clock.now
        let isKnown = state.withLock { state in
            state.fleet.change(worker, at: now)
            return state.fleet.members[worker] != nil
        }
        guard isKnown else { throw .unauthenticated }
    }

    /// The workers that would get something else to serve by if a draft became the state. As in a rollout, those long away
    /// are not counted on.
    func workers(concernedBy draft: Draft) -> [WorkerStatus] {
        var compilation = Compilation(of: draft)
        let names = draft.changes.reduce(into: Set()) { names, change in
            names.formUnion(compilation.affected(from: change.before, to: change.after))
        }
        let compiled = names.map { ($0, compilation.compile($0)) }
        let now = clock.now
        return state.withLock { state in
            guard compiled.contains(where: { $0.type == .key || state.compiled[$0] != $1 }) else { return [] }
            return state.fleet.present(at: now).sorted { $0.name < $1.name }
        }
    }

    /// What a draft asks for that connected workers cannot do. Costs nothing where all can do everything.
    func gaps(of draft: Draft) -> [CapabilityGap] {
        let lacking = state.withLock(\.fleet.lacking)
        guard !lacking.isEmpty else { return [] }
        var compilation = Compilation(of: draft)
        let names = draft.changes.reduce(into: Set()) { names, change in
            names.formUnion(compilation.affected(from: change.before, to: change.after))
        }
        let required = names.compactMap { name in
            compilation.compile(name).map { (name.source, $0.requiredCapabilities.intersection(lacking)) }
        }
        return state.withLock { $0.fleet.gaps(for: required.sorted { $0.0.path < $1.0.path }) }
    }

    /// Revisions that the connected worker furthest behind has yet to apply.
    var greatestLag: Revision {
        state.withLock { state in
            let effective = state.effectiveRevision
            return state.fleet.members.values.lazy.filter(\.status.isConnected)
                .map { max(0, effective - ($0.status.appliedRevision ?? 0)) }.max() ?? 0
        }
    }

    /// How long the connected worker that is behind for longest has had something to apply: since the first revision that it
    /// lacks was published, and since its stream was opened. Writes that go on and on make nobody late who keeps up with them.
    var greatestLagTime: Duration {
        let now = ContinuousClock.now
        return state.withLock { state in
            let effective = state.effectiveRevision
            var greatest = Duration.zero
            for (id, stream) in state.streams {
                guard let status = state.fleet.members[id]?.status, status.isConnected else { continue }
                let applied = status.appliedRevision ?? -1
                guard applied < effective else { continue }
                let published = state.publicationTimes.first(above: applied) ?? stream.openedAt
                greatest = max(greatest, now - max(published, stream.openedAt))
            }
            return greatest
        }
    }

    /// How many wait for workers, and for the log.
    var waitingCounts: (rollout: Int, revision: Int) {
        state.withLock { ($0.rolloutWaits.count, $0.revisionWaits.count) }
    }

    func status(of worker: ResourceID) -> WorkerStatus? {
        state.withLock { state in state.fleet.members[worker].map { state.withLag($0.status) } }
    }

    func connectedWorkers(_ role: Worker.Role) -> Int {
        state.withLock { state in
            state.fleet.members.values.count { $0.status.isConnected && $0.status.role == role }
        }
    }
}

extension Publisher.State {
    fileprivate func withLag(_ status: WorkerStatus) -> WorkerStatus {
        var status = status
        status.lag = status.appliedRevision.map { max(0, effectiveRevision - $0) }
        return status
    }
}

extension WorkerStatus {
    fileprivate mutating func take(_ acknowledgement: Acknowledgement) {
        let revision = acknowledgement.revision
        guard acknowledgement.isApplied else {
            // A refusal that comes late says nothing about what has been applied since.
            guard revision > appliedRevision ?? -1, revision >= rejection?.revision ?? 0 else { return }
            rejection = Rejection(
                revision: revision,
                reasons: acknowledgement.reasons.map { .init(resource: $0.name.source, detail: $0.detail) }
            )
            return
        }
        appliedRevision = max(appliedRevision ?? revision, revision)
        if let rejection, rejection.revision <= revision { self.rejection = nil }
    }
}
