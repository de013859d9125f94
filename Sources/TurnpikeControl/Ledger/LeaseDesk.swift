// SPDX-License-Identifier: Apache-2.0

import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot

/// Works out the leases of one group. What it has granted counts at once against what it grants next, though nothing is
/// durable before the group's one transaction.
struct LeaseDesk {
    private struct Holder: Hashable {
        var worker: ResourceID
        var epoch: Epoch
        var key: LeaseKey
    }

    private struct PeriodName: Hashable {
        var period: Quota.Period
        var timeZone: String
    }

    private(set) var grantedByTenant: [String: UInt64] = [:]
    private(set) var refusedByTenant: [String: UInt64] = [:]
    private(set) var unknownTimeZones: Set<String> = []

    private let store: any Store
    private let view: SharedView
    private let now: Timestamp
    private let workers: Int64
    private var committed: [LeaseKey: Int64] = [:]
    private var granted: [Holder: Int64] = [:]
    private var raised: Set<Holder> = []
    private var periods: [PeriodName: CalendarPeriod] = [:]

    /// - Parameter workers: gateways that may ask, at least 1.
    init(store: any Store, view: SharedView, now: Timestamp, workers: Int64) {
        self.store = store
        self.view = view
        self.now = now
        self.workers = workers
    }

    /// What must be made durable before anybody is answered.
    var grants: [(worker: ResourceID, epoch: Epoch, key: LeaseKey, granted: Int64)] {
        raised.compactMap { holder in
            granted[holder].map { (holder.worker, holder.epoch, holder.key, $0) }
        }
    }

    /// A want whose quota or subject is not there, or not of one tenant, gets no grant.
    mutating func answer(_ request: LeaseRequest, of worker: ResourceID) async throws -> [LeaseGrant] {
        var grants: [LeaseGrant] = []
        for want in request.wants {
            guard let allowance = allowance(for: want) else { continue }
            let holder = Holder(worker: worker, epoch: request.epoch, key: allowance.key)
            grants.append(try await grant(want, from: allowance, to: holder))
        }
        return grants
    }

    private mutating func grant(
        _ want: LeaseRequest.Want, from allowance: Allowance, to holder: Holder
    ) async throws -> LeaseGrant {
        let committed = try await committedUnits(of: holder.key)
        var total = try await grantedTotal(of: holder)
        let size = allowance.size(of: want, committed: committed, workers: workers)
        if size > 0 {
            total += size
            granted[holder] = total
            raised.insert(holder)
            self.committed[holder.key] = committed + size
            grantedByTenant[allowance.tenant, default: 0] += 1
        } else {
            refusedByTenant[allowance.tenant, default: 0] += 1
        }
        return LeaseGrant(
            key: holder.key, periodEnd: allowance.periodEnd, granted: total,
            isExhausted: committed + size >= allowance.quota.limit
        )
    }

    private mutating func committedUnits(of key: LeaseKey) async throws -> Int64 {
        if let known = committed[key] { return known }
        let units = try await store.committed(key)
        committed[key] = units
        return units
    }

    private mutating func grantedTotal(of holder: Holder) async throws -> Int64 {
        if let known = granted[holder] { return known }
        let total = try await store.leaseTotals(worker: holder.worker, epoch: holder.epoch, key: holder.key).granted
        granted[holder] = total
        return total
    }
}

extension LeaseDesk {
    /// The quota, subject and period that a want is about.
    private struct Allowance {
        var quota: Quota
        var tenant: String
        var key: LeaseKey
        var periodEnd: Timestamp

        func size(of want: LeaseRequest.Want, committed: Int64, workers: Int64) -> Int64 {
            switch quota.enforcement {
            case .hard:
                return QuotaAccount(limit: quota.limit, committed: committed)
                    .grant(demand: want.demand, held: want.held, workers: workers)
            case .soft:
                // What a soft quota counts is let through whatever the limit says, so the worker gets what it wants.
                return QuotaAccount(limit: .max, committed: 0).grant(demand: want.demand, held: want.held, workers: 1)
            }
        }
    }

    private mutating func allowance(for want: LeaseRequest.Want) -> Allowance? {
        let (quotaResource, subject) = view.read { ($0.resource(want.quota), $0.resource(want.subject)) }
        guard let quotaResource, let quota = quotaResource.spec as? Quota, let subject,
            let tenant = quotaResource.key.tenant, subject.isSubject(of: quota, tenant: tenant),
            let tenantSpec = view.resource(ResourceKey(.tenant, name: tenant))?.spec as? Tenant,
            let period = period(quota.period, timeZone: tenantSpec.timeZone)
        else { return nil }
        let key = LeaseKey(quota: quotaResource.id, subject: subject.id, periodStart: period.start)
        return Allowance(quota: quota, tenant: tenant, key: key, periodEnd: period.end)
    }

    private mutating func period(_ period: Quota.Period, timeZone: String) -> CalendarPeriod? {
        let name = PeriodName(period: period, timeZone: timeZone)
        if let known = periods[name] { return known }
        guard let found = CalendarPeriod(period, containing: now, timeZone: timeZone) else {
            unknownTimeZones.insert(timeZone)
            return nil
        }
        periods[name] = found
        return found
    }
}

extension Resource {
    /// Whether the resource is one of those between which a quota of that tenant tells.
    fileprivate func isSubject(of quota: Quota, tenant: String) -> Bool {
        switch quota.per {
        case .tenant: key == ResourceKey(.tenant, name: tenant)
        case .key: key.kind == .apiKey && key.tenant == tenant
        }
    }
}
