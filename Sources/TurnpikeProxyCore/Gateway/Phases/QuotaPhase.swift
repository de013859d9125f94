// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

extension Gateway {
    /// Spends one unit of each quota of the route, or of none where one of them refuses or has nothing granted. What is spent is
    /// recorded before the request goes on, so that no crash can make it unspent.
    ///
    /// A quota per key concerns only requests that bring one.
    func spendQuotas(context: inout RequestContext) throws(Refusal) -> Admission {
        guard let route = context.route else { return .admitted }
        var waits = false
        for quota in route.quotas {
            guard let subject = quota.subject(context) else { continue }
            switch leases.availability(quota.rule, subject, units: 1, wall: wall, now: now) {
            case .allowed: break
            case .needsGrant: waits = true
            case .exhausted(let start, let reset): throw exhausted(quota, from: start, until: reset)
            }
        }
        guard !waits else { return .waitsForGrant }
        for quota in route.quotas {
            guard let subject = quota.subject(context),
                let spent = leases.spend(quota.rule, subject, units: 1, now: now)
            else { continue }
            recorder.recordConsumption(spent.key, units: spent.units)
        }
        return .admitted
    }

    private func exhausted(_ quota: GatewayQuota, from start: Timestamp, until reset: Timestamp) -> Refusal {
        func seconds(_ from: Timestamp, _ to: Timestamp) -> UInt64 {
            UInt64(max((to.milliseconds - from.milliseconds + 999) / 1000, 1))
        }
        let fields = RateLimitFields(
            policy: quota.name, limit: quota.limit, windowSeconds: seconds(start, reset), remaining: 0,
            resetSeconds: seconds(wall, reset)
        )
        return .limited(
            .quotaExceeded, "The quota of the period is used up.", fields: fields, retryAfter: seconds(wall, reset)
        )
    }
}

extension GatewayQuota {
    fileprivate func subject(_ context: RequestContext) -> ResourceID? {
        switch per {
        case .tenant: context.route?.tenantID
        case .key: context.key?.id
        }
    }
}
