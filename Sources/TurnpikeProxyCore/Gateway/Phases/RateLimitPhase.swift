// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

extension Gateway {
    /// Takes one from each rate limit of the route, or from none where one of them refuses.
    ///
    /// A limit per key concerns only requests that bring one.
    func limitRate(from client: ClientAddress, context: RequestContext) throws(Refusal) {
        guard let route = context.route, !route.rateLimits.isEmpty else { return }
        for limit in route.rateLimits {
            guard let key = limit.key(client, context) else { continue }
            guard case .refused(let retryAfter) = rateLimiter.check(key, limit.rate, now: now) else { continue }
            let state = rateLimiter.state(key, limit.rate, now: now)
            let fields = RateLimitFields(
                policy: limit.name, limit: limit.limit, windowSeconds: limit.windowSeconds, remaining: state.remaining,
                resetSeconds: state.resetAfter.wholeSeconds
            )
            throw .limited(
                .rateLimited, "More requests than the rate limit allows.", fields: fields,
                retryAfter: retryAfter.wholeSeconds
            )
        }
        for limit in route.rateLimits {
            if let key = limit.key(client, context) { rateLimiter.count(key, limit.rate, now: now) }
        }
    }

    /// How many requests each of the route's rate limits would still let through at once, by name. Changes nothing.
    func rateStates(from client: ClientAddress, context: RequestContext) -> [(limit: String, remaining: UInt64)] {
        (context.route?.rateLimits ?? []).compactMap { limit in
            limit.key(client, context).map { (limit.name, rateLimiter.state($0, limit.rate, now: now).remaining) }
        }
    }
}

extension GatewayRateLimit {
    fileprivate func key(_ client: ClientAddress, _ context: RequestContext) -> RateLimitKey? {
        let subject: ResourceID? =
            switch per {
            case .key: context.key?.id
            case .tenant: context.route?.tenantID
            case .route: context.route?.id
            case .address: client.subject
            }
        return subject.map { RateLimitKey(policy: id, subject: $0) }
    }
}
