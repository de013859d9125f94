// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeModel
import TurnpikeSnapshot

extension Publisher {
    enum Step {
        case frames([Frame])
        case wait
        case ended
    }

    /// Opens a stream for a worker; an older one of the same worker ends.
    ///
    /// - Parameter revision: what the worker serves by; from a revision that is unknown here it gets a snapshot.
    /// - Throws: `unauthenticated` where the worker is no longer registered; `overloaded` where too many streams are open;
    ///   `draining`.
    func open(
        _ worker: ResourceID, from revision: Revision?, _ announcement: WorkerAnnouncement?
    ) throws(TurnpikeError) -> WorkerStream {
        let now = clock.now
        let opened: (serial: UInt64, older: CheckedContinuation<Void, Never>?)? = state.withLock { state in
            guard !state.isDraining, state.fleet.members[worker] != nil,
                state.streams[worker] != nil || state.streams.count < Fleet.mostWorkers
            else { return nil }
            let known = revision.flatMap { $0 <= state.revision && $0 >= state.history.floor ? $0 : nil }
            state.lastSerial += 1
            let older = state.streams[worker]?.takeCaller()
            state.streams[worker] = StreamState(serial: state.lastSerial, from: known)
            state.fleet.change(worker, at: now) { status in
                status.isConnected = true
                status.appliedRevision = known
                status.announcement = announcement
            }
            return (state.lastSerial, older)
        }
        guard let opened else {
            throw refusal(of: worker)
        }
        opened.older?.resume()
        return WorkerStream(publisher: self, worker: worker, serial: opened.serial)
    }

    private func refusal(of worker: ResourceID) -> TurnpikeError {
        state.withLock { state in
            if state.isDraining { return .shuttingDown }
            guard state.fleet.members[worker] != nil else { return .unauthenticated }
            return TurnpikeError(
                .overloaded, "As many as \(Fleet.mostWorkers) workers are connected.", retryAfter: .seconds(5))
        }
    }

    func close(_ worker: ResourceID, _ serial: UInt64) {
        let now = clock.now
        let caller: CheckedContinuation<Void, Never>? = state.withLock { state in
            guard state.streams[worker]?.serial == serial else { return nil }
            let caller = state.streams[worker]?.takeCaller()
            state.streams[worker] = nil
            state.fleet.change(worker, at: now) { $0.isConnected = false }
            return caller
        }
        caller?.resume()
    }

    /// What a stream has to send now.
    func step(_ worker: ResourceID, _ serial: UInt64) -> Step {
        state.withLock { state in
            // A caller beside one that waits already would have nothing to wait with.
            guard let stream = state.streams[worker], stream.serial == serial, stream.caller == nil else {
                return .ended
            }
            if stream.isRevoked {
                state.streams[worker] = nil
                return .frames([.revoked])
            }
            if stream.needsDelta(effective: state.effectiveRevision) {
                let names = stream.sent.flatMap { state.history.names(changedAfter: $0) }
                let transfer = Transfer(
                    of: names, omitting: state.fleet.unreadable(to: worker), in: state.compiled, view: view,
                    leadingTo: state.revision)
                state.streams[worker]?.begin(transfer)
            }
            let revision = state.revision
            let step = state.streams[worker]?.next(revision: revision).map { Step.frames($0) } ?? .wait
            // Whoever asks is its caller, and need not be woken.
            _ = state.endIfDrained(worker)
            return step
        }
    }

    /// Returns once each stream has given out the newest state and ended, or the time is over. ``drain()`` comes before.
    ///
    /// Asks again and again, for it comes once in a process's life, and what it waits for is the network's.
    ///
    /// - Returns: streams that have not.
    func waitForStreams(until deadline: ContinuousClock.Instant) async -> Int {
        while case let count = state.withLock(\.streams.count), count > 0 {
            guard ContinuousClock.now < deadline, !Task.isCancelled else { return count }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return 0
    }

    /// Returns once the stream has news or has ended; at once where it has already.
    func waitForNews(_ worker: ResourceID, _ serial: UInt64) async {
        await withCheckedContinuation { caller in
            let mustWait = state.withLock { state in
                guard let stream = state.streams[worker], stream.serial == serial, stream.caller == nil,
                    !stream.hasNews(effective: state.effectiveRevision)
                else { return false }
                state.streams[worker]?.caller = caller
                return true
            }
            if !mustWait { caller.resume() }
        }
    }
}
