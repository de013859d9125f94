// SPDX-License-Identifier: Apache-2.0

import Logging
import ServiceLifecycle
import TurnpikeMetering
import TurnpikeModel
import TurnpikeTelemetry

/// Reports the usage of this boot's loops, and beside it what earlier boots could not deliver; at shutdown, what is left.
struct ReportingService: ServiceLifecycle.Service {
    let reporter: UsageReporter
    /// One for each loop.
    let live: [LiveEpoch]
    /// Epochs whose journals lay there at the start.
    let earlier: [Epoch]
    let journals: JournalDirectory
    let worker: ResourceID
    /// How long the last report may take.
    let finalTimeout: Duration
    let logger: Logger

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            for epoch in live { group.addTask { await reporter.follow(epoch) } }
            group.addTask { await deliverEarlier() }
            // Ends by shutdown or by cancellation; either way this is over.
            try? await gracefulShutdown()
            group.cancelAll()
        }
        await deliverRest()
    }

    /// One that fails does not keep the others waiting: its journal lies there for the next start.
    private func deliverEarlier() async {
        for epoch in earlier where !Task.isCancelled {
            do {
                let source = try RecoveredEpoch(
                    epoch, in: journals, worker: worker, entriesPerBatch: JournalLimits().entriesPerBatch,
                    logger: logger
                )
                try await reporter.finish(source)
                logger.info("The usage of an earlier boot is delivered.", metadata: [LogKey.epoch: "\(epoch)"])
            } catch is CancellationError {
                return
            } catch {
                logger.error(
                    "The usage of an earlier boot cannot be delivered; its journal is kept.",
                    metadata: [LogKey.epoch: "\(epoch)", LogKey.error: "\(error)"]
                )
            }
        }
    }

    /// All loops at once: one whose journal fails does not take the others' time.
    private func deliverRest() async {
        await withDiscardingTaskGroup { group in
            for epoch in live { group.addTask { await deliverRest(of: epoch) } }
        }
    }

    private func deliverRest(of epoch: LiveEpoch) async {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await reporter.finish(epoch) }
                group.addTask {
                    try await Task.sleep(for: finalTimeout)
                    throw CancellationError()
                }
                defer { group.cancelAll() }
                try await group.next()
            }
            logger.info("The last usage is delivered.", metadata: [LogKey.epoch: "\(epoch.epoch)"])
        } catch {
            logger.warning(
                "The last usage is not delivered yet; it is kept and sent at the next start.",
                metadata: [LogKey.epoch: "\(epoch.epoch)", LogKey.error: "\(error)"]
            )
        }
    }
}
