// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import TurnpikeMetering
import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeSnapshot
import TurnpikeTelemetry

/// How large a journal may grow.
struct JournalLimits: Sendable {
    /// 128 bytes each, at least 8. Default 65,536, which makes segments of 8 MiB.
    var slotsPerSegment = 65_536
    /// At least 1. Default 64: four million series, 512 MiB.
    var segments = 64
    /// The most entries of one batch, at most `UsageBatch.maximumEntries`. Default 256: while the control
    /// plane takes one, requests that wait for a lease wait for that. A reporter that has more sends the next at once.
    var entriesPerBatch = 256

    init() {}
}

/// The running totals of one event loop since this boot, in memory that outlives the process.
///
/// Confined to the event loop that made it, without exception: it takes no lock, and no request waits in it. Each
/// ``record(_:_:)`` finds its slot in a table and stores a handful of words (see ``JournalSlot`` for what a
/// `kill -9` leaves). Memory follows the series that are not delivered yet, not those that ever were: a slot is freed
/// for another series once the control plane has receipted its last total and its minute is over.
///
/// A freed series must never be counted from zero again, since the control plane keeps the larger total of a series.
/// So a minute of which anything was freed is closed: what is recorded for it later, after the clock was set back for
/// instance, counts in the earliest open minute.
final class UsageJournal: UsageRecorder {
    let directory: JournalDirectory
    let worker: ResourceID
    let epoch: Epoch
    let limits: JournalLimits
    let logger: Logger

    var segments: [JournalSegment] = []
    var index = JournalIndex()
    /// Slots that were used and freed.
    var freed: [Int] = []
    /// Slots from here on were never used.
    var firstUnused = 0
    /// Whether the last attempt to add a segment succeeded. Where it did not, only the reporter tries again.
    var canGrow = true
    /// What is to be done with each used slot.
    var marks: [SlotMark] = []
    /// Slots marked `changed`, in the order in which they changed.
    var changed = CircularBuffer<Int>()

    /// The usage slots of each minute, to be freed when the minute is over.
    var slotsByMinute: [Int64: [Int]] = [:]
    /// No series of an earlier minute may be begun.
    var earliestOpenMinute = Int64.min
    /// Each lease's newest slot.
    var currentLease: [LeaseSubject: Int] = [:]
    /// Slots of leases that a later period has replaced, and since which minute.
    var replacedLeases: [(slot: Int, since: Int64)] = []
    /// The wall clock's minute at the last receipt, and at first that of the boot.
    var minute: Int64

    /// What found no slot. Kept in memory only, so that a full journal loses nothing while the process lives.
    var overflow: [JournalKey: JournalCounters] = [:]

    var sequence: Int64 = 0
    var awaitingReceipt: (batch: UsageBatch, slots: [Int])?
    var isClosed = false

    let slotsUsedGauge: GaugePart
    let slotsGauge: GaugePart

    /// Makes the epoch's folder and its first segment.
    ///
    /// - Throws: ``FileFailure``.
    init(
        directory: JournalDirectory, worker: ResourceID, epoch: Epoch, limits: JournalLimits, logger: Logger,
        metrics: MetricsRegistry
    ) throws {
        self.directory = directory
        self.worker = worker
        self.epoch = epoch
        self.limits = limits
        self.logger = logger
        minute = epoch / 60_000
        slotsUsedGauge = GaugePart(
            of: metrics.gauge(.journalSlotsUsed, help: "Slots of the usage journals that hold a series."))
        slotsGauge = GaugePart(of: metrics.gauge(.journalSlots, help: "Slots that the usage journals have."))
        try directory.create(epoch)
        try addSegment()
    }

    /// Whether there is room for requests to come. What is kept back serves those that are under way.
    var canRecord: Bool { freeSlots > reserve }

    func record(_ key: SeriesKey, _ counters: UsageCounters) {
        add(counters.lanes, to: JournalKey(key))
    }

    func recordConsumption(_ key: LeaseKey, units: Int64) {
        add(SIMD4(units, 0, 0, 0), to: JournalKey(key))
    }

    func recordRelease(_ key: LeaseKey, units: Int64) {
        add(SIMD4(0, units, 0, 0), to: JournalKey(key))
    }
}

/// Which allowance a lease belongs to, whatever its period.
struct LeaseSubject: Hashable {
    var quota: ResourceID
    var subject: ResourceID
}

/// What is to be done with a slot.
struct SlotMark: OptionSet {
    var rawValue: UInt8
    /// It holds more than any batch so far.
    static let changed = SlotMark(rawValue: 1)
    /// It is in the batch that awaits its receipt.
    static let awaitingReceipt = SlotMark(rawValue: 2)
}

// MARK: - Slots

extension UsageJournal {
    var capacity: Int { segments.count * limits.slotsPerSegment }
    var freeSlots: Int { freed.count + capacity - firstUnused }
    private var reserve: Int { min(1024, limits.slotsPerSegment / 8) }

    func slot(_ number: Int) -> JournalSlot {
        segments[number / limits.slotsPerSegment].slot(number % limits.slotsPerSegment)
    }

    func add(_ amounts: JournalCounters, to requested: JournalKey) {
        var key = requested
        if let number = index.find(key, slot: slot) { return add(amounts, toSlot: number) }
        if key.kind == .usage, key.minute < earliestOpenMinute {
            key = key.inMinute(earliestOpenMinute)
            if let number = index.find(key, slot: slot) { return add(amounts, toSlot: number) }
        }
        guard let number = takeFreeSlot() else {
            overflow[key, default: .zero] &+= amounts
            return
        }
        if freeSlots <= reserve, canGrow { grow() }
        slot(number).publish(key, amounts)
        index.insert(key, number)
        marks[number] = .changed
        changed.append(number)
        remember(number, for: key)
    }

    private func add(_ amounts: JournalCounters, toSlot number: Int) {
        slot(number).add(amounts)
        if marks[number].insert(.changed).inserted { changed.append(number) }
    }

    private func takeFreeSlot() -> Int? {
        if let number = freed.popLast() { return number }
        guard firstUnused < capacity else { return nil }
        defer { firstUnused += 1 }
        return firstUnused
    }

    /// Takes note of when the slot can be freed.
    private func remember(_ number: Int, for key: JournalKey) {
        guard key.kind == .consumption else {
            slotsByMinute[key.minute, default: []].append(number)
            return
        }
        let lease = key.lease
        let subject = LeaseSubject(quota: lease.quota, subject: lease.subject)
        guard let other = currentLease[subject] else {
            currentLease[subject] = number
            return
        }
        let isNewer = slot(other).key.lease.periodStart < lease.periodStart
        if isNewer { currentLease[subject] = number }
        replacedLeases.append((isNewer ? other : number, minute))
    }

    func free(_ number: Int) {
        index.remove(slot(number).key, number)
        slot(number).clear()
        freed.append(number)
    }

    /// Adds a segment ahead of need where few slots are left. It costs one file's making, some tenths of a millisecond
    /// for every 65,536 series; the reporter calls it between requests, and a request only where it must.
    func grow() {
        guard freeSlots < limits.slotsPerSegment / 2, segments.count < limits.segments else { return }
        do {
            try addSegment()
            canGrow = true
        } catch {
            canGrow = false
            logger.error("The usage journal cannot grow.", metadata: [LogKey.error: "\(error)"])
        }
    }

    func addSegment() throws(FileFailure) {
        let header = JournalHeader(
            worker: worker, epoch: epoch, segment: segments.count, slotCount: limits.slotsPerSegment
        )
        segments.append(try JournalSegment(creating: directory.segmentFile(header.segment, of: epoch), header))
        marks.append(contentsOf: repeatElement([], count: limits.slotsPerSegment))
    }
}
