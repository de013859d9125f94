// SPDX-License-Identifier: Apache-2.0

import TurnpikeMetering
public import TurnpikeModel
public import TurnpikeSnapshot

extension ControlPlane {
    /// Takes a batch of usage. It is durable when this returns; taking it again changes nothing.
    public func takeUsage(_ batch: UsageBatch, worker: Principal) async throws(TurnpikeError) -> UsageReceipt {
        let worker = try self.worker(worker)
        try publisher.touch(worker.id)
        return try await usageQueue.submit(BroughtUsage(batch: batch, worker: worker))
    }

    /// Grants slices of quotas. What is granted is deducted durably before this returns, so that a hard quota is never
    /// exceeded, whoever asks at the same time.
    ///
    /// - Returns: a grant for each want whose quota and subject are there.
    public func lease(_ request: LeaseRequest, worker: Principal) async throws(TurnpikeError) -> [LeaseGrant] {
        let worker = try self.worker(worker)
        try publisher.touch(worker.id)
        return try await leaseQueue.submit(AskedLeases(request: request, worker: worker))
    }

    /// Sums a tenant's usage.
    ///
    /// - Throws: `notFound`; `invalidParameter` for an empty window or one of more than 10,000 buckets.
    public func usage(
        _ request: UsageReportRequest, for authority: Authority
    ) async throws(TurnpikeError) -> UsageReport {
        let tenant = try resource(.tenant, tenant: nil, name: request.tenant, for: authority)
        let window = try UsageWindow(request, now: clock.now, timeZone: (tenant.spec as? Tenant)?.timeZone ?? "UTC")
        let query = UsageQuery(
            tenant: tenant.id, minutes: window.minutes, groupBy: request.groupBy, bucketStarts: window.bucketStarts,
            after: request.after, limit: request.limit + 1
        )
        var rows: [UsageRow]
        do { rows = try await store.usage(query) } catch { throw .storage(error) }
        let hasMore = rows.count > request.limit
        rows = Array(rows.prefix(request.limit))
        return UsageReport(
            from: Timestamp(minute: window.minutes.lowerBound), to: Timestamp(minute: window.minutes.upperBound),
            rows: rows.map { row($0, in: window, groupBy: request.groupBy) }, next: hasMore ? rows.last?.place : nil
        )
    }

    private func row(_ row: UsageRow, in window: UsageWindow, groupBy: [UsageQuery.Dimension]) -> UsageReport.Row {
        let place = row.place
        let key = place.apiKey.flatMap { $0 == .zero ? nil : $0 }
        let names = view.read { view in
            (
                key: key.flatMap { view.resource($0)?.key.name },
                route: place.route.flatMap { view.resource($0)?.key.name }
            )
        }
        return UsageReport.Row(
            bucketStart: window.hasBuckets ? Timestamp(minute: window.bucketStarts[place.bucket]) : nil,
            key: key?.text(prefix: Kind.apiKey.idPrefix), keyName: names.key,
            route: names.route ?? place.route?.text(prefix: Kind.route.idPrefix),
            statusClass: place.statusClass.map { "\($0)xx" }, counters: row.counters, dimensions: groupBy
        )
    }

    /// Where a quota stands.
    ///
    /// - Parameter key: the API key, by name or id, of a quota per key; `nil` for a quota per tenant.
    /// - Throws: `notFound`; `invalidParameter` where `key` does not go with the quota.
    public func quotaState(
        tenant: String, quota: String, key: String?, for authority: Authority
    ) async throws(TurnpikeError) -> QuotaState {
        let tenantResource = try resource(.tenant, tenant: nil, name: tenant, for: authority)
        let quotaResource = try resource(.quota, tenant: tenant, name: quota, for: authority)
        guard let quota = quotaResource.spec as? Quota, let tenantSpec = tenantResource.spec as? Tenant else {
            throw TurnpikeError(.internalError, "The quota cannot be read.")
        }
        let subject: ResourceID
        switch (quota.per, key) {
        case (.tenant, nil): subject = tenantResource.id
        case (.key, let key?): subject = try resource(.apiKey, tenant: tenant, name: key, for: authority).id
        case (.tenant, _): throw TurnpikeError(.invalidParameter, "The quota is the tenant's; 'key' has no place here.")
        case (.key, nil): throw TurnpikeError(.invalidParameter, "Each key has a quota of its own; 'key' is required.")
        }
        guard let period = CalendarPeriod(quota.period, containing: clock.now, timeZone: tenantSpec.timeZone) else {
            throw TurnpikeError(.internalError, "The tenant's time zone is not known here.")
        }
        let committed: Int64
        do {
            let lease = LeaseKey(quota: quotaResource.id, subject: subject, periodStart: period.start)
            committed = try await store.committed(lease)
        } catch { throw .storage(error) }
        return QuotaState(
            limit: quota.limit, committed: committed,
            remaining: QuotaAccount(limit: quota.limit, committed: committed).remaining, periodStart: period.start,
            periodEnd: period.end
        )
    }
}

/// The minutes and buckets of a report.
struct UsageWindow {
    static let maximumBuckets = 10_000

    let minutes: Range<Int64>
    let bucketStarts: [Int64]
    let hasBuckets: Bool

    init(_ request: UsageReportRequest, now: Timestamp, timeZone: String) throws(TurnpikeError) {
        let to = ((request.to ?? now).milliseconds + 59_999) / 60_000
        let from = request.from.map { $0.milliseconds / 60_000 } ?? to - 24 * 60
        guard from < to else { throw TurnpikeError(.invalidParameter, "'from' must lie before 'to'.") }
        minutes = from..<to
        hasBuckets = request.bucket != nil
        guard let bucket = request.bucket else {
            bucketStarts = [from]
            return
        }
        let starts = bucket.starts(covering: minutes, timeZone: timeZone, limit: UsageWindow.maximumBuckets)
        guard let starts else {
            throw TurnpikeError(
                .invalidParameter, "The window has more than \(UsageWindow.maximumBuckets) buckets; take larger ones."
            )
        }
        bucketStarts = starts
    }
}

extension Timestamp {
    fileprivate init(minute: Int64) { self.init(milliseconds: minute * 60_000) }
}
