// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Those who wait for a revision to be applied, and for whose answers.
struct RolloutWaits {
    private struct Wait {
        var target: Revision
        var workers: Set<ResourceID>
        var caller: CheckedContinuation<Void, Never>
    }

    private var waits: [UInt64: Wait] = [:]

    var count: Int { waits.count }

    mutating func add(
        _ serial: UInt64, for workers: Set<ResourceID>, target: Revision, _ caller: CheckedContinuation<Void, Never>
    ) {
        waits[serial] = Wait(target: target, workers: workers, caller: caller)
    }

    mutating func remove(serial: UInt64) -> CheckedContinuation<Void, Never>? {
        waits.removeValue(forKey: serial)?.caller
    }

    /// A worker is waited for no longer.
    ///
    /// - Parameter isDone: whether that goes for waits of this target.
    /// - Returns: the callers who now wait for nobody.
    mutating func remove(
        _ worker: ResourceID, where isDone: (Revision) -> Bool = { _ in true }
    ) -> [CheckedContinuation<Void, Never>] {
        for (serial, wait) in waits where wait.workers.contains(worker) && isDone(wait.target) {
            waits[serial]?.workers.remove(worker)
        }
        return takeFinished()
    }

    /// Keeps the workers of which `isAwaited`, given a worker and a target, says yes.
    mutating func keepOnly(_ isAwaited: (ResourceID, Revision) -> Bool) -> [CheckedContinuation<Void, Never>] {
        for (serial, wait) in waits {
            waits[serial]?.workers = wait.workers.filter { isAwaited($0, wait.target) }
        }
        return takeFinished()
    }

    mutating func removeAll() -> [CheckedContinuation<Void, Never>] {
        defer { waits.removeAll() }
        return waits.values.map(\.caller)
    }

    private mutating func takeFinished() -> [CheckedContinuation<Void, Never>] {
        let finished = waits.filter { $0.value.workers.isEmpty }
        for serial in finished.keys { waits[serial] = nil }
        return finished.values.map(\.caller)
    }
}
