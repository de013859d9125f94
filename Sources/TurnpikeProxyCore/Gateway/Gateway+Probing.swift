// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
public import TurnpikeSnapshot

extension Gateway {
    /// How much of rate limits is left, as the worker counts them. Changes nothing.
    public func answer(_ probe: Probe) -> ProbeAnswer {
        // The subjects of a probe are one tenant's, as a rule.
        var tenant: TenantConfiguration?
        return ProbeAnswer(
            states: probe.subjects.map { subject in
                guard let rate = current?.rate(of: subject.policy, lookingFirstAt: &tenant) else { return nil }
                let key = RateLimitKey(policy: subject.policy, subject: subject.subject)
                return rateLimiter.state(key, rate, now: now).map { state in
                    ProbeAnswer.State(
                        remaining: Int64(clamping: state.remaining),
                        resetAfterMillis: Int64(clamping: (state.resetAfter + 999_999) / 1_000_000))
                }
            })
    }
}

extension GatewayConfiguration {
    /// - Parameter tenant: the one that had the last policy asked for, and then the one that has this.
    fileprivate func rate(of policy: ResourceID, lookingFirstAt tenant: inout TenantConfiguration?) -> GCRA? {
        if let rate = tenant?.limits.rates[policy] { return rate }
        for case let other? in tenants.values {
            guard let rate = other.limits.rates[policy] else { continue }
            tenant = other
            return rate
        }
        return nil
    }
}
