// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// The rate limits and quotas of one tenant, and what they come to for its routes.
///
/// Selectors tell routes apart by labels and, those that they name, by name. Routes that none can tell apart are one *group*,
/// and a route knows the number of its group, nothing of the limits themselves: a limit for all routes that comes, changes or
/// goes costs by how many groups there are. A value: copies share what a change leaves alone.
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

    /// How many selectors name a route.
    private var namings = ShardedMap<String, Int>()
    private var groups = RouteGroups()
    /// By number of the group; nil where requests are held to nothing.
    private(set) var groupLimits = PiecedArray<RouteLimits?>()
    /// Of limits that have changed since groups were looked through.
    private var changedSelectors: [RouteSelector] = []
    /// Routes that a limit has come to name, or names no longer, since then.
    private var renamedRoutes: Set<String> = []

    var isEmpty: Bool { rateLimits.isEmpty && quotas.isEmpty }
}

// MARK: - Limits

extension TenantLimits {
    mutating func set(_ compiled: CompiledRateLimit) {
        removeRateLimit(compiled.name)
        let limit = GatewayRateLimit(compiled)
        rateLimits[compiled.name] = Attached(selector: compiled.selector, limit: limit)
        rates[limit.id] = limit.rate
        note(compiled.selector, 1)
    }

    mutating func set(_ compiled: CompiledQuota) {
        removeQuota(compiled.name)
        quotas[compiled.name] = Attached(selector: compiled.selector, limit: GatewayQuota(compiled))
        note(compiled.selector, 1)
    }

    mutating func removeRateLimit(_ name: String) {
        guard let former = rateLimits.removeValue(forKey: name) else { return }
        rates[former.limit.id] = nil
        note(former.selector, -1)
    }

    mutating func removeQuota(_ name: String) {
        guard let former = quotas.removeValue(forKey: name) else { return }
        note(former.selector, -1)
    }

    /// - Parameter difference: 1 where it comes, -1 where it goes.
    private mutating func note(_ selector: RouteSelector, _ difference: Int) {
        changedSelectors.append(selector)
        for name in selector.routes {
            let before = namings[name] ?? 0
            let now = before + difference
            namings[name] = now > 0 ? now : nil
            // Twice over, it is as before.
            if (before > 0) != (now > 0) { renamedRoutes.formSymmetricDifference([name]) }
        }
    }

    /// Takes over what limits have changed for the groups that there are.
    ///
    /// - Returns: the names of those routes that are of another group from now on, as far as there are such routes.
    mutating func regroup() -> Set<String> {
        for (number, group) in groups.numbered where changedSelectors.contains(where: group.isSelected(by:)) {
            let now = limits(of: group)
            if groupLimits[number] != now { groupLimits[number] = now }
        }
        defer { (changedSelectors, renamedRoutes) = ([], []) }
        return renamedRoutes
    }

    /// In the order of their names, in which requests meet them.
    private func limits(of group: RouteGroup) -> RouteLimits? {
        RouteLimits(
            rateLimits: rateLimits.values.filter { group.isSelected(by: $0.selector) }.map(\.limit)
                .sorted { $0.name < $1.name },
            quotas: quotas.values.filter { group.isSelected(by: $0.selector) }.map(\.limit)
                .sorted { $0.name < $1.name })
    }
}

// MARK: - Routes

extension TenantLimits {
    /// Counts one more route in its group.
    ///
    /// - Returns: the group's number, which holds as long as there are routes in it.
    mutating func join(_ route: CompiledRoute) -> Int {
        let group = RouteGroup(name: namings[route.name] == nil ? nil : route.name, labels: route.labels)
        let (number, isNew) = groups.join(group)
        guard isNew else { return number }
        let limits = limits(of: group)
        if number == groupLimits.count { groupLimits.append(limits) } else { groupLimits[number] = limits }
        return number
    }

    mutating func leave(_ group: Int) {
        if groups.leave(group) { groupLimits[group] = nil }
    }
}

/// What the requests of a route are held to: something, at least. Immutable; a request holds on to the one that it began with.
final class RouteLimits: Sendable, Equatable {
    let rateLimits: [GatewayRateLimit]
    let quotas: [GatewayQuota]
    /// That requests take for them.
    let phases: RequestPhases

    /// Nil where there are none.
    init?(rateLimits: [GatewayRateLimit], quotas: [GatewayQuota]) {
        guard !rateLimits.isEmpty || !quotas.isEmpty else { return nil }
        self.rateLimits = rateLimits
        self.quotas = quotas
        phases = RequestPhases(ofRateLimits: !rateLimits.isEmpty, quotas: !quotas.isEmpty)
    }

    static func == (left: RouteLimits, right: RouteLimits) -> Bool {
        left === right || left.rateLimits == right.rateLimits && left.quotas == right.quotas
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
