// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// The rate limits and quotas of one tenant.
struct TenantLimits: Sendable {
    private struct Attached<Limit: Sendable>: Sendable {
        let selector: RouteSelector
        let limit: Limit
    }

    /// By name.
    private var rateLimits: [String: Attached<GatewayRateLimit>] = [:]
    /// By name.
    private var quotas: [String: Attached<GatewayQuota>] = [:]
    /// Of its rate limits, by their ids.
    private(set) var rates: [ResourceID: GCRA] = [:]

    var isEmpty: Bool { rateLimits.isEmpty && quotas.isEmpty }

    mutating func set(_ compiled: CompiledRateLimit) {
        removeRateLimit(compiled.name)
        let limit = GatewayRateLimit(compiled)
        rateLimits[compiled.name] = Attached(selector: compiled.selector, limit: limit)
        rates[limit.id] = limit.rate
    }

    mutating func set(_ compiled: CompiledQuota) {
        quotas[compiled.name] = Attached(selector: compiled.selector, limit: GatewayQuota(compiled))
    }

    mutating func removeRateLimit(_ name: String) {
        guard let former = rateLimits.removeValue(forKey: name) else { return }
        rates[former.limit.id] = nil
    }

    mutating func removeQuota(_ name: String) { quotas[name] = nil }

    /// The routes that selectors name.
    fileprivate var namedRoutes: Set<String> {
        Set(rateLimits.values.flatMap(\.selector.routes)).union(quotas.values.flatMap(\.selector.routes))
    }

    /// Those that select the route, in the order of their names, in which requests meet them.
    fileprivate func limits(of route: CompiledRoute) -> RouteLimits {
        RouteLimits(
            rateLimits: rateLimits.values.filter { route.isSelected(by: $0.selector) }.map(\.limit)
                .sorted { $0.name < $1.name },
            quotas: quotas.values.filter { route.isSelected(by: $0.selector) }.map(\.limit)
                .sorted { $0.name < $1.name })
    }
}

/// What the requests of one route are held to.
struct RouteLimits: Sendable, Equatable {
    var rateLimits: [GatewayRateLimit] = []
    var quotas: [GatewayQuota] = []
}

/// Finds the limits of routes. Routes that no selector can tell apart share what is found.
struct LimitResolver {
    private struct Question: Hashable {
        /// Where selectors name the route.
        let name: String?
        let labels: Labels
    }

    private let limits: TenantLimits
    private let namedRoutes: Set<String>
    private var answers: [Question: RouteLimits] = [:]

    init(_ limits: TenantLimits) {
        self.limits = limits
        namedRoutes = limits.namedRoutes
    }

    mutating func limits(of route: CompiledRoute) -> RouteLimits {
        let question = Question(name: namedRoutes.contains(route.name) ? route.name : nil, labels: route.labels)
        if let known = answers[question] { return known }
        let answer = limits.limits(of: route)
        answers[question] = answer
        return answer
    }
}

extension GatewayRateLimit {
    init(_ compiled: CompiledRateLimit) {
        self.init(
            id: compiled.id, name: compiled.name, per: compiled.per,
            rate: GCRA(limit: compiled.limit, interval: compiled.interval.inNanoseconds, burst: compiled.burst),
            limit: UInt64(max(compiled.limit, 1)),
            windowSeconds: UInt64(max((compiled.interval.inMilliseconds + 999) / 1000, 1))
        )
    }
}

extension GatewayQuota {
    init(_ compiled: CompiledQuota) {
        self.init(
            name: compiled.name, rule: QuotaRule(id: compiled.id, isHard: compiled.enforcement == .hard),
            per: compiled.per, limit: UInt64(max(compiled.limit, 0))
        )
    }
}
