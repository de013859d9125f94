// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

extension CompiledRateLimit {
    init(_ resource: Resource, _ policy: Policy) {
        let limit = policy.rateLimit
        self.init(
            tenant: resource.key.tenant ?? "", name: resource.key.name, id: resource.id, per: limit.per,
            limit: limit.limit, interval: limit.interval, burst: limit.burst, selector: policy.selector
        )
    }
}

extension CompiledQuota {
    init(_ resource: Resource, _ quota: Quota, of tenant: ResourceID) {
        self.init(
            tenant: resource.key.tenant ?? "", name: resource.key.name, id: resource.id, tenantID: tenant,
            per: quota.per, limit: quota.limit, period: quota.period, enforcement: quota.enforcement,
            selector: quota.selector
        )
    }
}
