// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

extension Gateway {
    /// Takes one from each rate limit that the request is held to, or from none where one of them refuses.
    ///
    /// A limit per key concerns only requests that bring one. Where another loop takes the last of a limit between the look and
    /// the taking, what was taken of the limits before it is given back: for that moment, requests of other loops may find one
    /// less than there is.
    ///
    /// - Parameter address: whom a limit by address counts.
    func limitRate(
        from address: ResourceID, by route: GatewayRoute, context: inout RequestContext
    ) throws(Refusal) {
        guard let limits = context.limits else { return }
        if limits.rateLimits.count > 1 {
            for limit in limits.rateLimits {
                guard let key = limit.key(address, of: route, context) else { continue }
                let verdict = rateLimiter.check(key, limit.rate, now: now)
                if case .refused(let retryAfter) = verdict { throw limited(limit, key, retryAfter) }
            }
        }
        // By place: a copy of each would hold what it is made of.
        for place in limits.rateLimits.indices {
            guard let key = limits.rateLimits[place].key(address, of: route, context),
                case .refused(let retryAfter) = rateLimiter.take(key, limits.rateLimits[place].rate, now: now)
            else { continue }
            for earlier in limits.rateLimits[..<place] {
                if let key = earlier.key(address, of: route, context) { rateLimiter.giveBack(key, earlier.rate) }
            }
            throw limited(limits.rateLimits[place], key, retryAfter)
        }
    }

    private func limited(_ limit: GatewayRateLimit, _ key: RateLimitKey, _ retryAfter: UInt64) -> Refusal {
        let state = rateLimiter.state(key, limit.rate, now: now)
        let fields = RateLimitFields(
            policy: limit.name, limit: limit.limit, windowSeconds: limit.windowSeconds,
            remaining: state?.remaining ?? 0, resetSeconds: (state?.resetAfter ?? 0).wholeSeconds
        )
        return .limited(
            .rateLimited, "More requests than the rate limit allows.", fields: fields,
            retryAfter: retryAfter.wholeSeconds
        )
    }

    /// How many requests each of the request's rate limits would still let through at once, by name. Changes nothing.
    func rateStates(from address: ResourceID, context: RequestContext) -> [(limit: String, remaining: UInt64)] {
        guard let route = context.route, let limits = context.limits else { return [] }
        return limits.rateLimits.compactMap { limit in
            limit.key(address, of: route, context).map { (limit.name, remaining(of: limit, $0)) }
        }
    }

    private func remaining(of limit: GatewayRateLimit, _ key: RateLimitKey) -> UInt64 {
        rateLimiter.state(key, limit.rate, now: now)?.remaining ?? limit.rate.remaining(GCRA.Arrival(), now: now)
    }
}

extension GatewayRateLimit {
    fileprivate func key(
        _ address: ResourceID, of route: GatewayRoute, _ context: RequestContext
    ) -> RateLimitKey? {
        let subject: ResourceID? =
            switch per {
            case .key: context.key?.id
            case .tenant: route.tenantID
            case .route: route.id
            case .address: address
            }
        return subject.map { RateLimitKey(policy: id, subject: $0) }
    }
}
