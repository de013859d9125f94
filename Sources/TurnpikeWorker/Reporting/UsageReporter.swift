// SPDX-License-Identifier: Apache-2.0

import Logging
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry

/// Where usage goes.
protocol UsageUplink: Sendable {
    /// - Throws: where there is no receipt, for whatever reason.
    func report(_ batch: UsageBatch) async throws -> UsageReceipt
}

/// Carries totals to the control plane, and lets go of them when it says that it has them.
///
/// One batch of an epoch is under way at a time, and the same batch is sent until its receipt is there: after an
/// answer that was lost as after one that never was. Nothing is ever dropped; a control plane that stays away only
/// fills the journal.
struct UsageReporter: Sendable {
    let uplink: any UsageUplink
    /// Pause between reports. Default 1 s.
    var interval = Duration.seconds(1)
    var backOff = BackOff()
    let unreported: UnreportedUsage
    let logger: Logger

    /// Reports what is recorded until the task is cancelled.
    func follow(_ source: some UsageSource) async {
        do {
            while true {
                let sent = try await step(source, isClosing: false)
                if (sent ?? 0) < source.entriesPerBatch { try await Task.sleep(for: interval) }
            }
        } catch is CancellationError {
            return
        } catch {
            logger.critical("Usage is no longer reported.", metadata: [LogKey.error: "\(error)"])
        }
    }

    /// Sends all that is left of an epoch for which nothing is recorded any more, ends it, and removes its journal.
    ///
    /// - Throws: `CancellationError`, and what the journal's files throw; the journal stays then.
    func finish(_ source: some UsageSource) async throws {
        while try await step(source, isClosing: true) != nil {}
        try await source.discard()
        logger.debug("An epoch's usage is delivered.", metadata: [LogKey.epoch: "\(source.epoch)"])
    }

    /// Sends the next batch until it is received.
    ///
    /// - Returns: how many entries it had; `nil` where there was nothing to send.
    private func step(_ source: some UsageSource, isClosing: Bool) async throws -> Int? {
        guard let batch = try await source.nextBatch(isClosing: isClosing) else { return nil }
        try await source.release(try await deliver(batch))
        return batch.series.count + batch.consumption.count
    }

    private func deliver(_ batch: UsageBatch) async throws -> UsageReceipt {
        unreported.begin(batch.epoch)
        // Given up, it waits for the next start, and is no longer on its way.
        defer { unreported.end(batch.epoch) }
        var backOff = backOff
        var random = SystemRandomNumberGenerator()
        while true {
            try Task.checkCancellation()
            do {
                let receipt = try await uplink.report(batch)
                guard receipt.epoch == batch.epoch, receipt.sequence >= batch.sequence else {
                    throw WrongReceipt(receipt: receipt)
                }
                if backOff.attempts > 0 { logger.info("Usage is reported again.", metadata: metadata(of: batch)) }
                return receipt
            } catch {
                try Task.checkCancellation()
                if backOff.attempts.isMultiple(of: UsageReporter.attemptsPerWarning) {
                    var metadata = metadata(of: batch)
                    metadata[LogKey.error] = "\(error)"
                    logger.warning("Usage cannot be reported; it is kept and tried again.", metadata: metadata)
                }
            }
            try await Task.sleep(for: backOff.next(using: &random))
        }
    }

    /// At the longest waits, some three minutes.
    private static let attemptsPerWarning = 30

    private func metadata(of batch: UsageBatch) -> Logger.Metadata {
        [LogKey.epoch: "\(batch.epoch)", LogKey.sequence: "\(batch.sequence)"]
    }
}

/// A receipt for something else than what was sent.
struct WrongReceipt: Error, CustomStringConvertible {
    var receipt: UsageReceipt
    var description: String { "the receipt is for epoch \(receipt.epoch), sequence \(receipt.sequence)" }
}
