// SPDX-License-Identifier: Apache-2.0

import Logging
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry

@testable import TurnpikeWorker

let quietLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
let testWorker = ResourceID(high: 7, low: 9)
let testEpoch: Epoch = 1_700_000_000_000

func journalLimits(slots: Int = 64, segments: Int = 4, entries: Int = 4096) -> JournalLimits {
    var limits = JournalLimits()
    limits.slotsPerSegment = slots
    limits.segments = segments
    limits.entriesPerBatch = entries
    return limits
}

func makeJournal(
    in path: String, epoch: Epoch = testEpoch, _ limits: JournalLimits = journalLimits()
) throws
    -> UsageJournal
{
    try UsageJournal(
        directory: JournalDirectory(path), worker: testWorker, epoch: epoch, limits: limits, logger: quietLogger,
        metrics: MetricsRegistry()
    )
}

func recover(_ epoch: Epoch = testEpoch, in path: String, entries: Int = 4096) throws -> RecoveredEpoch {
    try RecoveredEpoch(
        epoch, in: JournalDirectory(path), worker: testWorker, entriesPerBatch: entries, logger: quietLogger
    )
}

func series(_ number: Int, minute: Int64 = 100, status: UInt8 = 2) -> SeriesKey {
    SeriesKey(
        tenant: ResourceID(high: 1, low: 1), apiKey: ResourceID(high: 2, low: UInt64(number)),
        route: ResourceID(high: 3, low: 3), statusClass: status, minute: minute
    )
}

func lease(_ number: Int, period: Int64 = 0) -> LeaseKey {
    LeaseKey(
        quota: ResourceID(high: 4, low: UInt64(number)), subject: ResourceID(high: 5, low: 5),
        periodStart: Timestamp(seconds: period)
    )
}

/// What a control plane keeps of one epoch: the larger total of each series and lease.
struct Ledger: Equatable {
    var usage: [SeriesKey: UsageCounters] = [:]
    var leases: [LeaseKey: LeaseTotals] = [:]

    mutating func take(_ batch: UsageBatch) {
        for series in batch.series {
            usage[series.key] = usage[series.key, default: UsageCounters()].merged(with: series.counters)
        }
        for lease in batch.consumption {
            let old = leases[lease.key, default: LeaseTotals()]
            leases[lease.key] = LeaseTotals(
                released: max(old.released, lease.released), consumed: max(old.consumed, lease.consumed)
            )
        }
    }

    /// Adds what a gateway records, as the journal is told of it.
    mutating func record(_ step: RecordedStep) {
        switch step {
        case .usage(let key, let counters): usage[key, default: UsageCounters()] += counters
        case .consumption(let key, let units): leases[key, default: LeaseTotals()].consumed += units
        case .release(let key, let units): leases[key, default: LeaseTotals()].released += units
        }
    }
}

/// One call of a gateway's.
enum RecordedStep: Sendable {
    case usage(SeriesKey, UsageCounters)
    case consumption(LeaseKey, Int64)
    case release(LeaseKey, Int64)

    static func random(minute: Int64 = 100, using random: inout some RandomNumberGenerator) -> RecordedStep {
        let number = Int.random(in: 0..<40, using: &random)
        let amount = Int64.random(in: 1...1000, using: &random)
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return .consumption(lease(number % 5), amount)
        case 1: return .release(lease(number % 5), amount)
        default:
            let counters = UsageCounters(requests: 1, bytesIn: amount, bytesOut: amount * 3, units: amount % 2)
            return .usage(series(number, minute: minute, status: UInt8(2 + number % 4)), counters)
        }
    }

    func apply(to journal: UsageJournal) {
        switch self {
        case .usage(let key, let counters): journal.record(key, counters)
        case .consumption(let key, let units): journal.recordConsumption(key, units: units)
        case .release(let key, let units): journal.recordRelease(key, units: units)
        }
    }
}

extension UsageJournal {
    /// Sends all there is to a ledger that receipts at once.
    func deliver(to ledger: inout Ledger, isClosing: Bool = false, now: Timestamp = Timestamp(seconds: 0)) {
        while let batch = nextBatch(isClosing: isClosing) {
            ledger.take(batch)
            release(UsageReceipt(epoch: batch.epoch, sequence: batch.sequence), now: now)
        }
    }
}

extension RecoveredEpoch {
    /// All batches, receipted one by one.
    func batches() throws -> [UsageBatch] {
        var batches: [UsageBatch] = []
        while let batch = try nextBatch(isClosing: true) {
            batches.append(batch)
            release(UsageReceipt(epoch: batch.epoch, sequence: batch.sequence))
        }
        return batches
    }
}
