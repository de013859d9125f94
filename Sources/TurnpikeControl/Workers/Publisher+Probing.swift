// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeModel
import TurnpikeSnapshot

extension Publisher {
    /// Workers that one probe asks; who has more gets the answers of these.
    static let mostProbed = 100

    /// Asks connected workers how much of rate limits is left.
    ///
    /// - Parameters:
    ///   - subjects: at most ``Probe/mostSubjects``.
    ///   - timeout: who has not answered by then is left out.
    /// - Returns: by worker, one state for each subject, in order.
    func probe(
        _ subjects: [Probe.Subject], timeout: Duration
    ) async -> [(worker: WorkerStatus, states: [ProbeAnswer.State?])] {
        guard !subjects.isEmpty, let asked = ask(subjects) else { return [] }
        for caller in asked.woken { caller.resume() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.waitForAnswers(to: asked.id) }
            group.addTask {
                try? await Task.sleep(for: timeout)
                self.state.withLock { $0.probes.takeCaller(of: asked.id) }?.resume()
            }
            await group.next()
            group.cancelAll()
        }
        let answers = state.withLock { $0.probes.end(asked.id) }
        return asked.workers.compactMap { worker in
            guard let states = answers[worker.id]?.states, states.count == subjects.count else { return nil }
            return (worker, states)
        }
    }

    private func ask(
        _ subjects: [Probe.Subject]
    ) -> (id: Int64, workers: [WorkerStatus], woken: [CheckedContinuation<Void, Never>])? {
        state.withLock { state in
            let able = state.fleet.connected.filter { $0.announcement?.lacks(.probe) == false }
                .sorted { $0.name < $1.name }.prefix(Self.mostProbed)
            guard !able.isEmpty, !state.probes.isFull, !state.isDraining else { return nil }
            state.lastSerial += 1
            let id = Int64(clamping: state.lastSerial)
            let probe = Probe(id: id, subjects: subjects)
            state.probes.begin(id, asking: Set(able.map(\.id)))
            let woken = able.flatMap { worker in
                state.streams[worker.id]?.ask(probe)
                return state.callerWithNews(of: worker.id)
            }
            return (id, Array(able), woken)
        }
    }

    private func waitForAnswers(to id: Int64) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { caller in
                let mustWait = state.withLock { !Task.isCancelled && $0.probes.wait(id, caller) }
                if !mustWait { caller.resume() }
            }
        } onCancel: {
            state.withLock { $0.probes.takeCaller(of: id) }?.resume()
        }
    }

    /// A worker answers. An answer that nobody waits for is forgotten.
    ///
    /// - Throws: `unauthenticated` where the worker is no longer registered.
    func take(_ answer: ProbeAnswer, to probe: Int64, from worker: ResourceID) throws(TurnpikeError) {
        try touch(worker)
        state.withLock { $0.probes.take(answer, to: probe, from: worker) }?.resume()
    }
}
