// SPDX-License-Identifier: Apache-2.0

import Synchronization
public import TurnpikeControl
public import TurnpikeMetering
public import TurnpikeModel
public import TurnpikeSnapshot

/// The storage port in memory: what the contract asks for, but durability. Documents go through their stored form and
/// back, so that what would be lost on disk is lost here too.
public final class InMemoryStore: Store {
    struct Epoch: Hashable {
        var worker: ResourceID
        var epoch: TurnpikeMetering.Epoch
    }

    struct State {
        var resources: [ResourceKey: Resource] = [:]
        var records: [RevisionRecord] = []
        var sequences: [Epoch: Int64] = [:]
        var closed: Set<Epoch> = []
        var series: [SeriesKey: [Epoch: UsageCounters]] = [:]
        var leases: [LeaseKey: [Epoch: LeaseTotals]] = [:]
        var start = LogPosition.start
        var replies: [KeyDigest: StoredReply] = [:]
        var uses: [ResourceID: Timestamp] = [:]
        var sightings: [ResourceID: WorkerSighting] = [:]
    }

    private let state = Mutex(State())

    public init() {}

    public func resourceCount() async throws -> Int { state.withLock(\.resources.count) }

    public func forEachResource(_ each: (Resource) throws -> Void) async throws {
        let resources = state.withLock { Array($0.resources.values) }
        for resource in resources.sorted(by: { $0.key.isBefore($1.key) }) { try each(resource) }
    }

    public func logEnd() async throws -> LogPosition {
        state.withLock { state in
            state.records.last.map { LogPosition(revision: $0.revision, hash: $0.hash) } ?? state.start
        }
    }

    public func logStart() async throws -> LogPosition { state.withLock(\.start) }

    public func commit(
        _ records: [RevisionRecord], replies: [StoredReply],
        done: @escaping @Sendable (Result<Void, any Error>) -> Void
    ) {
        done(
            Result {
                try state.withLock { state in
                    var changed = state
                    for record in records { try changed.take(record) }
                    for reply in replies { changed.replies[reply.id] = reply }
                    try changed.checkReferences()
                    state = changed
                }
            })
    }

    public func records(_ query: LogQuery) async throws -> LogPage {
        let records = state.withLock(\.records).filter { $0.revision > query.above && $0.revision < query.below }
        var page = LogPage(records: [], next: nil)
        guard query.limit > 0 else { return page }
        var (changesLeft, examinesLeft) = (query.changeLimit, query.examineLimit)
        var last: Revision?
        for record in query.isDescending ? records.reversed() : records {
            if let tenant = query.tenant, !record.changes.contains(where: { $0.tenant == tenant }) { continue }
            examinesLeft -= 1
            guard examinesLeft >= 0 || !query.isSelective else {
                page.next = last
                return page
            }
            defer { last = record.revision }
            guard let answer = record.answering(query) else { continue }
            changesLeft -= answer.changes.count
            guard page.records.count < query.limit, page.records.isEmpty || changesLeft >= 0 else {
                page.next = page.records.last?.revision
                return page
            }
            page.records.append(answer)
        }
        return page
    }

    public func revision(before changes: Int) async throws -> Revision {
        var left = changes
        for record in state.withLock(\.records).reversed() {
            left -= record.changes.count
            if left < 0 { return record.revision }
        }
        return 0
    }

    public func forgetRecords(before time: Timestamp) async throws -> Int {
        state.withLock { state in
            let kept = state.records.dropLast().firstIndex { $0.at >= time } ?? max(0, state.records.count - 1)
            guard kept > 0 else { return 0 }
            state.start = LogPosition(revision: state.records[kept - 1].revision, hash: state.records[kept - 1].hash)
            state.records.removeFirst(kept)
            return kept
        }
    }

    public func tryWriting() async throws {}

    public func replies(_ ids: [KeyDigest]) async throws -> [KeyDigest: StoredReply] {
        state.withLock { $0.replies }.filter { ids.contains($0.key) }
    }

    public func forgetReplies(before time: Timestamp) async throws {
        state.withLock { state in state.replies = state.replies.filter { $0.value.at >= time } }
    }

    public func noteUse(_ uses: [ResourceID: Timestamp]) async throws {
        state.withLock { $0.uses.merge(uses) { max($0, $1) } }
    }

    public func uses() async throws -> [ResourceID: Timestamp] { state.withLock(\.uses) }

    public func noteSightings(_ sightings: [ResourceID: WorkerSighting]) async throws {
        state.withLock { state in
            state.sightings.merge(sightings) { $1 }
            let known = Set(state.resources.values.map(\.id))
            state.sightings = state.sightings.filter { known.contains($0.key) }
        }
    }

    public func sightings() async throws -> [ResourceID: WorkerSighting] { state.withLock(\.sightings) }

    public func takeUsage(_ batches: [(worker: ResourceID, batch: UsageBatch)]) async throws -> [TakenUsage] {
        state.withLock { state in batches.map { state.take($0.batch, from: $0.worker) } }
    }

    public func usage(_ query: UsageQuery) async throws -> [UsageRow] {
        try state.withLock { try $0.rows(of: query) }
    }

    public func committed(_ key: LeaseKey) async throws -> Int64 {
        state.withLock { state in
            (state.leases[key] ?? [:]).reduce(0) { sum, lease in
                // What is spent counts even where no grant is known: soft quotas are spent first.
                let isClosed = state.closed.contains(lease.key)
                return sum + max(lease.value.consumed, QuotaAccount.commitment(of: lease.value, isClosed: isClosed))
            }
        }
    }

    public func leaseTotals(
        worker: ResourceID, epoch: TurnpikeMetering.Epoch, key: LeaseKey
    ) async throws -> LeaseTotals {
        state.withLock { $0.leases[key]?[Epoch(worker: worker, epoch: epoch)] ?? LeaseTotals() }
    }

    public func grant(
        _ grants: [(worker: ResourceID, epoch: TurnpikeMetering.Epoch, key: LeaseKey, granted: Int64)]
    ) async throws {
        state.withLock { state in
            for grant in grants {
                let epoch = Epoch(worker: grant.worker, epoch: grant.epoch)
                let known = state.leases[grant.key]?[epoch]?.granted ?? 0
                state.leases[grant.key, default: [:]][epoch, default: LeaseTotals()].granted = max(known, grant.granted)
            }
        }
    }
}

// MARK: - Resources and the log

extension InMemoryStore.State {
    mutating func take(_ record: RevisionRecord) throws {
        guard record.revision > records.last?.revision ?? 0 else {
            throw contradiction("revision \(record.revision) is not above the latest")
        }
        for case let before? in record.changes.map(\.before) {
            guard resources.removeValue(forKey: before.key)?.id == before.id else {
                throw contradiction("\(before.key) is not there")
            }
        }
        for case let after? in record.changes.map(\.after) {
            guard resources[after.key] == nil else { throw contradiction("\(after.key) is there already") }
            resources[after.key] = try after.throughStorage()
        }
        var stored = record
        for place in stored.changes.indices {
            stored.changes[place].before = try record.changes[place].before?.throughStorage()
            stored.changes[place].after = try record.changes[place].after?.throughStorage()
        }
        records.append(stored)
    }

    func checkReferences() throws {
        for resource in resources.values {
            let key = resource.key
            if let tenant = key.tenant, resources[ResourceKey(.tenant, name: tenant)] == nil {
                throw contradiction("\(key) has no tenant")
            }
            for reference in resource.spec.references {
                let target = ResourceKey(reference.kind, tenant: key.tenant, name: reference.name)
                guard resources[target] != nil else {
                    throw contradiction("\(key) refers to \(target), which is not there")
                }
            }
        }
    }

    private func contradiction(_ reason: String) -> TurnpikeError {
        TurnpikeError(.storageFailed, "The records do not follow from what is stored: \(reason).")
    }
}

extension RevisionRecord {
    fileprivate func answering(_ query: LogQuery) -> RevisionRecord? {
        guard query.actor == nil || actor == query.actor, query.from.map({ at >= $0 }) ?? true,
            query.to.map({ at < $0 }) ?? true
        else { return nil }
        var record = self
        record.changes.removeAll { !query.matches($0) }
        return record.changes.isEmpty ? nil : record
    }
}

extension Resource {
    fileprivate func throughStorage() throws -> Resource {
        try Resource(stored: JSON.parse(storedText), kind: key.kind)
    }
}

extension ResourceKey {
    fileprivate func isBefore(_ other: ResourceKey) -> Bool {
        (kind, tenant ?? "", name) < (other.kind, other.tenant ?? "", other.name)
    }
}

// MARK: - The ledger

extension InMemoryStore.State {
    mutating func take(_ batch: UsageBatch, from worker: ResourceID) -> TakenUsage {
        let epoch = InMemoryStore.Epoch(worker: worker, epoch: batch.epoch)
        for entry in batch.series {
            let known = series[entry.key]?[epoch] ?? UsageCounters()
            series[entry.key, default: [:]][epoch] = known.merged(with: entry.counters)
        }
        for entry in batch.consumption {
            var totals = leases[entry.key]?[epoch] ?? LeaseTotals()
            totals.consumed = max(totals.consumed, entry.consumed)
            totals.released = max(totals.released, entry.released)
            leases[entry.key, default: [:]][epoch] = totals
        }
        if batch.isFinal { closed.insert(epoch) }
        let known = sequences[epoch] ?? 0
        sequences[epoch] = max(known, batch.sequence)
        return TakenUsage(sequence: max(known, batch.sequence), hasGap: batch.sequence > known + 1)
    }

    func rows(of query: UsageQuery) throws -> [UsageRow] {
        var sums: [UsageRow.Place: UsageCounters] = [:]
        for (key, epochs) in series where key.tenant == query.tenant && query.minutes.contains(key.minute) {
            let bucket = query.bucketStarts.partitioningIndex { $0 > key.minute } - 1
            guard bucket >= 0 else { continue }
            let place = UsageRow.Place(
                bucket: bucket, apiKey: query.groupBy.contains(.key) ? key.apiKey : nil,
                route: query.groupBy.contains(.route) ? key.route : nil,
                statusClass: query.groupBy.contains(.statusClass) ? key.statusClass : nil
            )
            for counters in epochs.values { sums[place, default: UsageCounters()] += counters }
        }
        if let after = query.after { try after.checkFits(query) }
        let places = sums.keys.sorted { $0.isBefore($1) }.filter { place in
            query.after.map { $0.isBefore(place) } ?? true
        }
        return places.prefix(max(0, query.limit)).map { UsageRow(place: $0, counters: sums[$0] ?? UsageCounters()) }
    }
}

extension UsageRow.Place {
    fileprivate func isBefore(_ other: UsageRow.Place) -> Bool {
        if bucket != other.bucket { return bucket < other.bucket }
        if apiKey != other.apiKey { return apiKey ?? .zero < other.apiKey ?? .zero }
        if route != other.route { return route ?? .zero < other.route ?? .zero }
        return statusClass ?? 0 < other.statusClass ?? 0
    }

    fileprivate func checkFits(_ query: UsageQuery) throws {
        let fits =
            query.bucketStarts.indices.contains(bucket)
            && query.groupBy.contains(.key) == (apiKey != nil) && query.groupBy.contains(.route) == (route != nil)
            && query.groupBy.contains(.statusClass) == (statusClass != nil)
        guard fits else { throw TurnpikeError(.invalidCursor, "The cursor does not belong to this grouping.") }
    }
}

extension Array {
    /// The first place whose element, and every one behind it, belongs to the second part.
    fileprivate func partitioningIndex(where belongsToSecond: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if belongsToSecond(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
