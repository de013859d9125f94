// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

extension Gateway {
    /// Spends one unit of each quota that the request is held to, or of none where one of them refuses or has nothing granted.
    /// What is spent is recorded before the request goes on, so that no crash can make it unspent.
    ///
    /// A quota per key concerns only requests that bring one.
    func spendQuotas(of route: GatewayRoute, context: inout RequestContext) throws(Refusal) -> Admission {
        guard let limits = context.limits else { return .admitted }
        var waits = false
        // By place: a copy of each would hold what it is made of.
        for place in limits.quotas.indices {
            guard let subject = limits.quotas[place].subject(of: route, context) else { continue }
            switch leases.availability(limits.quotas[place].rule, subject, units: 1, wall: wall, now: now) {
            case .allowed: break
            case .needsGrant: waits = true
            case .exhausted(let start, let reset): throw exhausted(limits.quotas[place], from: start, until: reset)
            }
        }
        guard !waits else { return .waitsForGrant }
        for place in limits.quotas.indices {
            guard let subject = limits.quotas[place].subject(of: route, context),
                let spent = leases.spend(limits.quotas[place].rule, subject, units: 1, now: now)
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
    fileprivate func subject(of route: GatewayRoute, _ context: RequestContext) -> ResourceID? {
        switch per {
        case .tenant: route.tenantID
        case .key: context.key?.id
        }
    }
}
