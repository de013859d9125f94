// SPDX-License-Identifier: Apache-2.0

import Logging
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry

/// What workers bring to the ledger.
enum LedgerEntry: Sendable {
    case usage(UsageBatch, worker: Resource)
    case lease(LeaseRequest, worker: Resource)
}

enum LedgerAnswer: Sendable {
    case usage(UsageReceipt)
    case lease([LeaseGrant])
}

/// Takes usage and grants leases, one group at a time: what concurrent workers bring shares transactions, and no two
/// leases are ever worked out from the same remainder.
final class Ledger: Sendable {
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

    /// Works on a group: first all usage, which may set quotas free, then the leases, in order.
    ///
    /// - Returns: one reply for each entry, in order.
    func settle(_ entries: [LedgerEntry]) async -> [Result<LedgerAnswer, TurnpikeError>] {
        let start = ContinuousClock.now
        defer { metrics.settleDuration.observe(ContinuousClock.now - start) }
        var usage: [(worker: Resource, batch: UsageBatch)] = []
        var leases: [(worker: Resource, request: LeaseRequest)] = []
        for entry in entries {
            switch entry {
            case .usage(let batch, let worker): usage.append((worker, batch))
            case .lease(let request, let worker): leases.append((worker, request))
            }
        }
        var receipts = await take(usage).makeIterator()
        var grants = await grant(leases).makeIterator()
        return entries.map { entry in
            let reply: Result<LedgerAnswer, TurnpikeError>? =
                switch entry {
                case .usage: receipts.next()?.map { .usage($0) }
                case .lease: grants.next()?.map { .lease($0) }
                }
            return reply ?? .failure(TurnpikeError(.internalError, "An entry was left without an answer."))
        }
    }

    private func take(_ batches: [(worker: Resource, batch: UsageBatch)]) async -> [Result<UsageReceipt, TurnpikeError>]
    {
        guard !batches.isEmpty else { return [] }
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

    private func grant(
        _ requests: [(worker: Resource, request: LeaseRequest)]
    ) async -> [Result<[LeaseGrant], TurnpikeError>] {
        guard !requests.isEmpty else { return [] }
        var desk = LeaseDesk(
            store: store, view: view, now: clock.now, workers: Int64(max(1, publisher.connectedWorkers(.gateway)))
        )
        do {
            var answers: [[LeaseGrant]] = []
            for (worker, request) in requests { answers.append(try await desk.answer(request, of: worker.id)) }
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
