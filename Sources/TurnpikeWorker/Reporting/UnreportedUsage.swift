// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeMetering
import TurnpikeModel
import TurnpikeTelemetry

/// Since when batches of usage are on their way: how old is what the control plane does not have yet.
final class UnreportedUsage: Sendable {
    private let starts = Mutex<[Epoch: ContinuousClock.Instant]>([:])

    init(_ metrics: MetricsRegistry) {
        metrics.gauge(
            .usageUnreported,
            help: "How long the oldest batch of usage has been on its way to the control plane; 0 where none is."
        ) { [weak self] in Double(self?.age(at: .now).inNanoseconds ?? 0) / 1e9 }
    }

    /// An epoch has a batch to deliver; it has one at a time.
    func begin(_ epoch: Epoch, at now: ContinuousClock.Instant = .now) { starts.withLock { $0[epoch] = now } }

    func end(_ epoch: Epoch) { starts.withLock { $0[epoch] = nil } }

    /// Of the oldest batch that is on its way.
    func age(at now: ContinuousClock.Instant) -> Duration {
        starts.withLock { $0.values.min() }.map { now - $0 } ?? .zero
    }
}
