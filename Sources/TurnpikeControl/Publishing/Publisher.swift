// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeCompiler
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry

/// Compiles what the log brings, tells the workers' streams, and knows who has applied what.
///
/// One lock guards all of it, for sections that are short; callers are woken outside of it. Nobody polls: streams wait
/// for a publication, those who wait for a rollout wait for the workers' answers.
final class Publisher: Sendable {
    /// How often `tick` is to be called.
    static let tickInterval = Duration.seconds(1)

    struct State {
        var revision: Revision
        var compiled = CompiledState()
        var history: ChangeHistory
        var fleet = Fleet()
        var streams: [ResourceID: StreamState] = [:]
        var rolloutWaits = RolloutWaits()
        var revisionWaits = RevisionWaits()
        var probes = ProbeWaits()
        var publicationTimes = PublicationTimes()
        var lastSerial: UInt64 = 0
        /// Whether streams and feeds end once they have given out what there is.
        var isDraining = false
    }

    let state: Mutex<State>
    let view: SharedView
    let clock: any WallClock
    let metrics: ControlMetrics

    /// Compiles the whole view, and learns from the log's tail what its revisions touched.
    ///
    /// - Parameters:
    ///   - tail: the newest records, without a gap.
    ///   - sightings: how workers were last seen.
    init(
        view: SharedView, tail: [RevisionRecord], sightings: [ResourceID: WorkerSighting], clock: any WallClock,
        metrics: ControlMetrics
    ) {
        self.view = view
        self.clock = clock
        self.metrics = metrics
        let revision = view.revision
        var initial = State(
            revision: revision, history: ChangeHistory(from: tail.first.map { $0.revision - 1 } ?? revision))
        var compilation = Compilation(of: view)
        let kept = CompiledResource.ResourceType.allCases.filter { $0 != .key }
        compilation.compileAll(of: kept) { initial.compiled[$0.name] = $0 }
        for record in tail { initial.history.append(record.revision, compilation.affected(by: record.changes)) }
        for worker in view.resources(in: CollectionKey(.worker)) { initial.fleet.update(worker, at: clock.now) }
        for (id, sighting) in sightings { initial.fleet.recall(id, sighting) }
        metrics.revision.set(revision)
        metrics.compiledResources.set(initial.compiled.count)
        state = Mutex(initial)
    }

    /// Takes records that are durable and in the view already.
    ///
    /// - Parameter publication: theirs.
    func publish(_ records: [RevisionRecord], as publication: Publication) {
        let start = ContinuousClock.now
        let affected = publication.affected
        let now = clock.now
        let woken = state.withLock { state in
            // Of keys it is not known what workers have of them, so each counts as changed.
            var changed = publication.keys
            for (name, resource) in publication.compiled where state.compiled.update(name, to: resource) {
                changed.insert(name)
            }
            // A revision counts as a change of all that it touched and its batch changed: streams see no state within a
            // batch, so a worker has applied the revision only once it has the batch's outcome.
            for (record, names) in zip(records, affected) {
                let changedByRecord = names.isSubset(of: changed) ? names : names.intersection(changed)
                state.history.append(record.revision, changedByRecord)
                if !changedByRecord.isEmpty { state.publicationTimes.note(record.revision, at: start) }
                state.revision = record.revision
            }
            metrics.revision.set(state.revision)
            metrics.compiledResources.set(state.compiled.count)
            return state.takeWorkerChanges(of: records, at: now) + state.callersWithNews()
                + state.revisionWaits.reach(state.revision)
        }
        metrics.compileDuration.observe(publication.duration + (ContinuousClock.now - start))
        for caller in woken { caller.resume() }
    }

    /// Time has passed: heartbeats fall due, credentials run out, absent workers are waited for no longer.
    func tick() {
        let now = clock.now
        let woken = state.withLock { state in
            state.fleet.noteTime(now)
            var woken: [CheckedContinuation<Void, Never>] = []
            for id in Array(state.streams.keys) {
                state.streams[id]?.tick()
                if let member = state.fleet.members[id], member.expiresAt <= now { woken += state.revokeStream(of: id) }
            }
            let fleet = state.fleet
            woken += state.rolloutWaits.keepOnly { fleet.isAwaited($0, for: $1, now: now) }
            return woken + state.callersWithNews()
        }
        for caller in woken { caller.resume() }
    }

    /// Opens no more streams, and ends each one once it has given out the newest state, where no frame is torn and no delta
    /// broken off. Who watches the log comes to its end.
    func drain() {
        let woken = state.withLock { state in
            state.isDraining = true
            return Array(state.streams.keys).flatMap { state.endIfDrained($0) } + state.revisionWaits.removeAll()
                + state.probes.removeAll()
        }
        for caller in woken { caller.resume() }
    }

    /// Ends all streams and waits, wherever they are.
    func shutDown() {
        drain()
        let woken = state.withLock { state in
            let callers = state.streams.values.compactMap(\.caller)
            state.streams.removeAll()
            return callers + state.rolloutWaits.removeAll()
        }
        for caller in woken { caller.resume() }
    }

    var revision: Revision { state.withLock(\.revision) }
}

extension Compilation {
    func affected(by changes: [Change]) -> Set<CompiledName> {
        if changes.count == 1 { return affected(from: changes[0].before, to: changes[0].after) }
        return changes.reduce(into: []) { $0.formUnion(affected(from: $1.before, to: $1.after)) }
    }
}

extension Publisher.State {
    /// The last revision that changed anything compiled.
    var effectiveRevision: Revision { history.lastEffective(atOrBelow: revision) }

    /// Takes the callers out of streams that have something to send.
    mutating func callersWithNews() -> [CheckedContinuation<Void, Never>] {
        let effective = effectiveRevision
        return streams.values.indices.compactMap { place in
            streams.values[place].hasNews(effective: effective) ? streams.values[place].takeCaller() : nil
        }
    }

    mutating func callerWithNews(of worker: ResourceID) -> [CheckedContinuation<Void, Never>] {
        guard streams[worker]?.hasNews(effective: effectiveRevision) == true else { return [] }
        return streams[worker]?.takeCaller().map { [$0] } ?? []
    }

    /// Ends a stream that is drained: one that has given out all that there is.
    mutating func endIfDrained(_ worker: ResourceID) -> [CheckedContinuation<Void, Never>] {
        guard isDraining, streams[worker]?.isCaughtUp(effective: effectiveRevision) == true else { return [] }
        fleet.change(worker) { $0.isConnected = false }
        return streams.removeValue(forKey: worker)?.caller.map { [$0] } ?? []
    }

    fileprivate mutating func takeWorkerChanges(
        of records: [RevisionRecord], at now: Timestamp
    ) -> [CheckedContinuation<Void, Never>] {
        var woken: [CheckedContinuation<Void, Never>] = []
        for record in records {
            for place in record.changes.indices where record.changes[place].key?.kind == .worker {
                if let worker = record.changes[place].after {
                    fleet.update(worker, at: now)
                } else if let worker = record.changes[place].before {
                    woken += revokeStream(of: worker.id) + rolloutWaits.remove(worker.id)
                    fleet.remove(worker.id)
                }
            }
        }
        return woken
    }

    fileprivate mutating func revokeStream(of id: ResourceID) -> [CheckedContinuation<Void, Never>] {
        streams[id]?.revoke()
        fleet.change(id) { $0.isConnected = false }
        return streams[id]?.takeCaller().map { [$0] } ?? []
    }
}

extension StreamState {
    mutating func takeCaller() -> CheckedContinuation<Void, Never>? {
        defer { caller = nil }
        return caller
    }
}
