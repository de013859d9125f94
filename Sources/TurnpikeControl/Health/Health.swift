// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What keeps the control plane from doing its work, as far as it has noticed.
final class Health: Sendable {
    /// What may fail.
    enum Part: String, CaseIterable { case log, ledger }

    private let failures = Mutex<[Part: String]>([:])
    private let shutdown = Mutex(false)

    /// Notes how the last work of a part ended; `nil`: well.
    func note(_ part: Part, failure: String?) { failures.withLock { $0[part] = failure } }

    /// All parts work again, as far as a try has shown.
    func noteRecovery() { failures.withLock { $0.removeAll() } }

    /// No more work is to be sent here.
    func noteShutdown() { shutdown.withLock { $0 = true } }

    var isShuttingDown: Bool { shutdown.withLock(\.self) }

    var reasons: [String] {
        failures.withLock { failures in
            Part.allCases.compactMap { part in failures[part].map { "\(part.rawValue): \($0)" } }
        }
    }
}
