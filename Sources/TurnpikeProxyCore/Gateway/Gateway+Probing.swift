// SPDX-License-Identifier: Apache-2.0

public import TurnpikeSnapshot

extension Gateway {
    /// How much of rate limits is left, as this loop counts them. Changes nothing.
    public func answer(_ probe: Probe) -> ProbeAnswer {
        ProbeAnswer(
            states: probe.subjects.map { subject in
                let key = RateLimitKey(policy: subject.policy, subject: subject.subject)
                return rateLimiter.state(key, now: now).map { state in
                    ProbeAnswer.State(
                        remaining: Int64(clamping: state.remaining),
                        resetAfterMillis: Int64(clamping: (state.resetAfter + 999_999) / 1_000_000))
                }
            })
    }
}
