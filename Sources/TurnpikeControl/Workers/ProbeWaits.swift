// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// Those who wait for workers' answers to a probe.
struct ProbeWaits {
    private struct Wait {
        var workers: Set<ResourceID>
        var answers: [ResourceID: ProbeAnswer] = [:]
        var caller: CheckedContinuation<Void, Never>?
    }

    /// Probes under way at the same time; beyond, nobody is asked.
    static let most = 64

    private var waits: [Int64: Wait] = [:]

    var isFull: Bool { waits.count >= Self.most }

    mutating func begin(_ id: Int64, asking workers: Set<ResourceID>) { waits[id] = Wait(workers: workers) }

    /// Whether somebody is still to answer; if so, the caller is woken once nobody is.
    mutating func wait(_ id: Int64, _ caller: CheckedContinuation<Void, Never>) -> Bool {
        guard let wait = waits[id], !wait.workers.isEmpty else { return false }
        waits[id]?.caller = caller
        return true
    }

    /// - Returns: the caller, where this was the last answer.
    mutating func take(
        _ answer: ProbeAnswer, to id: Int64, from worker: ResourceID
    ) -> CheckedContinuation<Void, Never>? {
        guard waits[id]?.workers.remove(worker) != nil else { return nil }
        waits[id]?.answers[worker] = answer
        guard waits[id]?.workers.isEmpty == true else { return nil }
        return takeCaller(of: id)
    }

    /// The time is over.
    mutating func takeCaller(of id: Int64) -> CheckedContinuation<Void, Never>? {
        defer { waits[id]?.caller = nil }
        return waits[id]?.caller
    }

    mutating func end(_ id: Int64) -> [ResourceID: ProbeAnswer] { waits.removeValue(forKey: id)?.answers ?? [:] }

    mutating func removeAll() -> [CheckedContinuation<Void, Never>] {
        defer { waits.removeAll() }
        return waits.values.compactMap(\.caller)
    }
}
