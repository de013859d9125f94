// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Those who wait for the log to grow beyond a revision.
struct RevisionWaits {
    private var waits: [UInt64: (above: Revision, caller: CheckedContinuation<Void, Never>)] = [:]

    var count: Int { waits.count }

    mutating func add(_ serial: UInt64, above revision: Revision, _ caller: CheckedContinuation<Void, Never>) {
        waits[serial] = (revision, caller)
    }

    mutating func remove(serial: UInt64) -> CheckedContinuation<Void, Never>? {
        waits.removeValue(forKey: serial)?.caller
    }

    /// - Returns: the callers whose wait is over.
    mutating func reach(_ revision: Revision) -> [CheckedContinuation<Void, Never>] {
        let reached = waits.filter { $0.value.above < revision }
        for serial in reached.keys { waits[serial] = nil }
        return reached.values.map(\.caller)
    }

    mutating func removeAll() -> [CheckedContinuation<Void, Never>] {
        defer { waits.removeAll() }
        return waits.values.map(\.caller)
    }
}
