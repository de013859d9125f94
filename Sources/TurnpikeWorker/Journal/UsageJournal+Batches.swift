// SPDX-License-Identifier: Apache-2.0

import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry

extension UsageJournal {
    /// The next batch to send: the totals of what has changed since it was last sent. While a batch awaits its receipt
    /// that batch comes again, under its own number.
    ///
    /// The number is in the journal before the batch is anywhere else, so that whoever reads the journal after a crash
    /// knows which numbers are taken.
    ///
    /// - Parameter isClosing: whether nothing will be recorded any more. The last batch then says so, and there is
    ///   always one, since it is what ends the epoch.
    /// - Returns: `nil` where there is nothing to send.
    func nextBatch(isClosing: Bool) -> UsageBatch? {
        if let awaitingReceipt { return awaitingReceipt.batch }
        grow()
        publishGauges()
        guard !changed.isEmpty || (isClosing && !isClosed) else { return nil }

        let slots = Array(changed.prefix(limits.entriesPerBatch))
        changed.removeFirst(slots.count)
        sequence += 1
        segments[0].store(sequence: sequence)
        var batch = UsageBatch(epoch: epoch, sequence: sequence, isFinal: false, series: [], consumption: [])
        for number in slots {
            marks[number] = .awaitingReceipt
            batch.append(slot(number).key, slot(number).totals)
        }
        if isClosing, changed.isEmpty { batch.isFinal = moveOverflow(to: &batch) }
        awaitingReceipt = (batch, slots)
        return batch
    }

    /// At the end, what never had a slot goes out as it is.
    ///
    /// - Returns: whether that was all of it.
    private func moveOverflow(to batch: inout UsageBatch) -> Bool {
        for (key, totals) in overflow.prefix(limits.entriesPerBatch) {
            batch.append(key, totals)
            overflow[key] = nil
        }
        return overflow.isEmpty
    }

    /// Lets go of what the control plane has.
    ///
    /// - Parameter now: the wall clock, which says which minutes are over.
    func release(_ receipt: UsageReceipt, now: Timestamp) {
        guard let (batch, slots) = awaitingReceipt, receipt.epoch == epoch, receipt.sequence >= batch.sequence else {
            return
        }
        awaitingReceipt = nil
        isClosed = batch.isFinal
        minute = now.milliseconds / 60_000
        for number in slots { marks[number].remove(.awaitingReceipt) }
        freeEndedMinutes()
        freeReplacedLeases()
        recordOverflow()
    }

    /// A minute gets another one of grace, for requests that began in it and clocks that are set.
    private func freeEndedMinutes() {
        for (ended, slots) in slotsByMinute where ended < minute - 1 {
            let busy = slots.filter { !marks[$0].isEmpty }
            guard busy.count < slots.count else { continue }
            for number in slots where marks[number].isEmpty { free(number) }
            slotsByMinute[ended] = busy.isEmpty ? nil : busy
            earliestOpenMinute = max(earliestOpenMinute, ended + 1)
        }
    }

    /// A gateway stops spending a lease when its period ends; a quarter of an hour later nothing can come any more.
    private func freeReplacedLeases() {
        var kept: [(slot: Int, since: Int64)] = []
        for lease in replacedLeases {
            if marks[lease.slot].isEmpty, lease.since + UsageJournal.leaseGrace <= minute {
                free(lease.slot)
            } else {
                kept.append(lease)
            }
        }
        replacedLeases = kept
    }

    /// Minutes for which the slot of a lease outlives its replacement.
    private static let leaseGrace: Int64 = 15

    private func recordOverflow() {
        guard !overflow.isEmpty, freeSlots > 0 else { return }
        let waiting = overflow
        overflow = [:]
        for (key, amounts) in waiting { add(amounts, to: key) }
    }

    private func publishGauges() {
        slotsUsedGauge.set(capacity - freeSlots)
        slotsGauge.set(capacity)
    }
}

extension UsageBatch {
    mutating func append(_ key: JournalKey, _ totals: JournalCounters) {
        switch key.kind {
        case .usage: series.append(UsageSeries(key: key.series, counters: UsageCounters(lanes: totals)))
        case .consumption:
            consumption.append(Consumption(key: key.lease, consumed: totals[0], released: totals[1]))
        case nil: break
        }
    }
}
