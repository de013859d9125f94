// SPDX-License-Identifier: Apache-2.0

import Logging
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry

/// Usage that a worker brings.
struct BroughtUsage: Sendable {
    var batch: UsageBatch
    var worker: Resource
}

/// Leases that a worker asks for.
struct AskedLeases: Sendable {
    var request: LeaseRequest
    var worker: Resource
}

/// Takes usage and grants leases. What concurrent workers bring shares transactions.
///
/// Leases are granted one group at a time, so that no two are ever worked out from the same remainder. Usage is taken beside them:
/// of a hard quota no worker spends more than it was granted, so what it reports can only set more free, and a grant that
/// does not know of it yet is too small at worst. A request that waits for a lease has a tenth of a second, and must not stand
/// behind the usage of a whole fleet; so it waits for one transaction of usage at most, and these are bounded.
final class Ledger: Sendable {
    /// Of usage, in one transaction; more only where one batch has more.
    static let transactionEntries = 1024

    private let view: SharedView
    private let publisher: Publisher
    private let store: any Store
    private let clock: any WallClock
    private let health: Health
    private let logger: Logger
    private let metrics: ControlMetrics

    init(
        view: SharedView, publisher: Publisher, store: any Store, clock: any WallClock, health: Health,
        logger: Logger, metrics: ControlMetrics
    ) {
        self.view = view
        self.publisher = publisher
        self.store = store
        self.clock = clock
        self.health = health
        self.logger = logger
        self.metrics = metrics
    }

    // MARK: - Usage

    /// Takes a group, in as many transactions as it needs.
    ///
    /// - Returns: one reply for each batch, in order.
    func take(_ batches: [BroughtUsage]) async -> [Result<UsageReceipt, TurnpikeError>] {
        var replies: [Result<UsageReceipt, TurnpikeError>] = []
        var rest = batches[...]
        while let first = rest.first {
            var (count, entries) = (1, first.batch.entryCount)
            for other in rest.dropFirst() {
                entries += other.batch.entryCount
                guard entries <= Self.transactionEntries else { break }
                count += 1
            }
            replies += await takeAtOnce(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return replies
    }

    private func takeAtOnce(_ batches: [BroughtUsage]) async -> [Result<UsageReceipt, TurnpikeError>] {
        let start = ContinuousClock.now
        defer { metrics.settleDuration.observe(ContinuousClock.now - start) }
        let taken: [TakenUsage]
        do { taken = try await store.takeUsage(batches.map { ($0.worker.id, $0.batch) }) } catch {
            health.note(.ledger, failure: TurnpikeError.storage(error).detail)
            logger.error("Usage could not be taken", metadata: [LogKey.error: "\(error)"])
            metrics.usageRefused.increment(by: UInt64(batches.count))
            return batches.map { _ in .failure(.storage(error)) }
        }
        health.note(.ledger, failure: nil)
        return zip(batches, taken).map { entry, taken in
            note(taken, entry.batch, of: entry.worker)
            return .success(UsageReceipt(epoch: entry.batch.epoch, sequence: taken.sequence))
        }
    }

    private func note(_ taken: TakenUsage, _ batch: UsageBatch, of worker: Resource) {
        // A batch below the highest sequence taken is one that came again, or late.
        (batch.sequence < taken.sequence ? metrics.usageRepeated : metrics.usageTaken).increment()
        guard taken.hasGap else { return }
        metrics.usageGaps.increment()
        logger.warning(
            "Batches of usage are missing before this one",
            metadata: [
                LogKey.worker: "\(worker.idText)", LogKey.epoch: "\(batch.epoch)", LogKey.sequence: "\(batch.sequence)",
            ]
        )
    }

    // MARK: - Leases

    /// Grants a group, in order and in one transaction.
    ///
    /// - Returns: one reply for each request, in order.
    func grant(_ requests: [AskedLeases]) async -> [Result<[LeaseGrant], TurnpikeError>] {
        let start = ContinuousClock.now
        defer { metrics.settleDuration.observe(ContinuousClock.now - start) }
        var desk = LeaseDesk(
            store: store, view: view, now: clock.now, workers: Int64(max(1, publisher.connectedWorkers(.gateway)))
        )
        do {
            var answers: [[LeaseGrant]] = []
            for asked in requests { answers.append(try await desk.answer(asked.request, of: asked.worker.id)) }
            if !desk.grants.isEmpty {
                try await store.grant(desk.grants)
                health.note(.ledger, failure: nil)
            }
            note(desk)
            return answers.map { .success($0) }
        } catch {
            health.note(.ledger, failure: TurnpikeError.storage(error).detail)
            logger.error("Leases could not be granted", metadata: [LogKey.error: "\(error)"])
            return requests.map { _ in .failure(.storage(error)) }
        }
    }

    private func note(_ desk: LeaseDesk) {
        for (tenant, count) in desk.grantedByTenant { metrics.leaseGrants(of: tenant).increment(by: count) }
        for (tenant, count) in desk.refusedByTenant { metrics.leaseRefusals(of: tenant).increment(by: count) }
        for zone in desk.unknownTimeZones {
            logger.error("A time zone is unknown on this machine", metadata: [LogKey.name: "\(zone)"])
        }
    }
}
