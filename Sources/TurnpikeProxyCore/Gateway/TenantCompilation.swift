// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// The work of turning what one tenant has into a ``TenantConfiguration``: names become references, and what leads nowhere
/// becomes a reason to refuse.
struct TenantCompilation {
    private(set) var reasons: [Acknowledgement.Reason] = []
    /// Clusters by name; those that have not changed are the ones that there were before, with what loops know of them.
    private(set) var clusters: [String: GatewayCluster] = [:]

    private var entries: [RouteEntry] = []
    /// In the order of their names, in which requests meet them.
    private var rateLimits: [(selector: RouteSelector, limit: GatewayRateLimit)] = []
    private var quotas: [(selector: RouteSelector, quota: GatewayQuota)] = []
    private var compiledRoutes: [CompiledRoute] = []

    /// - Parameters:
    ///   - resources: all of one tenant, but for its keys.
    ///   - slots: gives new clusters their slots.
    init(
        _ resources: some Sequence<CompiledResource>, previous: TenantConfiguration?, slots: inout SlotAllocator
    ) {
        for resource in resources {
            switch resource {
            case .route(let route): compiledRoutes.append(route)
            case .rateLimit(let rateLimit): rateLimits.append((rateLimit.selector, GatewayRateLimit(rateLimit)))
            case .quota(let quota): quotas.append((quota.selector, GatewayQuota(quota)))
            case .cluster(let cluster):
                if let known = previous?.clusters[cluster.name], known.compiled == cluster {
                    clusters[cluster.name] = known
                } else {
                    clusters[cluster.name] = GatewayCluster(cluster, slot: slots.take())
                }
            case .key, .certificate: break
            }
        }
        compiledRoutes.sort { $0.id < $1.id }
        rateLimits.sort { $0.limit.name < $1.limit.name }
        quotas.sort { $0.quota.name < $1.quota.name }
    }

    /// - Returns: `nil` where there are reasons against it.
    mutating func configuration(hashSeed: UInt64) -> TenantConfiguration? {
        let routes = compileRoutes()
        guard reasons.isEmpty else { return nil }
        let table: RouteTable
        do { table = try RouteTable(entries, hashSeed: hashSeed) } catch {
            reasons = reasonsOfPatterns(hashSeed: hashSeed)
            return nil
        }
        return TenantConfiguration(
            routes: routes, table: table, clusters: clusters, hosts: Set(compiledRoutes.flatMap(\.hosts)),
            rates: Dictionary(rateLimits.map { ($0.limit.id, $0.limit.rate) }) { first, _ in first })
    }

    private mutating func compileRoutes() -> [GatewayRoute] {
        compiledRoutes.enumerated().map { index, route in
            entries.append(
                RouteEntry(
                    index: index, hosts: route.hosts, paths: route.paths.map(PathPattern.init), methods: route.methods,
                    priority: route.priority, conditions: route.conditions
                ))
            if route.hosts.isEmpty { refuse(route, "The route names no host.") }
            let rateLimits = rateLimits.filter { route.isSelected(by: $0.selector) }.map(\.limit)
            let quotas = quotas.filter { route.isSelected(by: $0.selector) }.map(\.quota)
            return GatewayRoute(
                index: index, tenant: route.tenant, name: route.name, id: route.id, tenantID: route.tenantID,
                path: route.paths.count == 1 ? PathPattern(route.paths[0]).text : nil,
                phases: RequestPhases(of: route, rateLimits: rateLimits, quotas: quotas),
                maxContentBytes: route.maxContentBytes.map { UInt64(max($0, 0)) },
                backends: backends(of: route),
                rateLimits: rateLimits, quotas: quotas, answer: answer(of: route),
                rewrite: rewrite(of: route),
                stickiness: route.stickiness.map { GatewayStickiness($0, weights: route.backends.map(\.weight)) },
                mirrors: mirrors(of: route), upgrades: route.upgrades.map(GatewayUpgrades.init),
                requestEdits: FieldEdits(route.requestHeaders), responseEdits: FieldEdits(route.responseHeaders)
            )
        }
    }

    private mutating func answer(of route: CompiledRoute) -> GatewayAnswer? {
        if let respond = route.respond { return GatewayAnswer(respond) }
        guard let redirect = route.redirect else { return nil }
        do { return try GatewayAnswer(redirect, paths: route.paths) } catch {
            refuse(route, "It cannot redirect to '\(redirect.location.text)': \(error).")
            return nil
        }
    }

    private mutating func rewrite(of route: CompiledRoute) -> GatewayRewrite? {
        guard let rewrite = route.rewrite else { return nil }
        do { return try GatewayRewrite(rewrite, paths: route.paths) } catch {
            refuse(route, "It cannot rewrite paths: \(error).")
            return nil
        }
    }

    /// Looks at each route on its own, once the table of all has turned out to be impossible.
    private func reasonsOfPatterns(hashSeed: UInt64) -> [Acknowledgement.Reason] {
        var reasons: [Acknowledgement.Reason] = []
        for entry in entries where reasons.count < GatewayConfiguration.mostReasons {
            do {
                _ = try RouteTable([entry], hashSeed: hashSeed)
            } catch {
                reasons.append(reason(error))
            }
        }
        guard reasons.isEmpty else { return reasons }
        // Nothing is wrong with any route by itself: there is more of something than one table can hold.
        do {
            _ = try RouteTable(entries, hashSeed: hashSeed)
        } catch {
            reasons.append(reason(error))
        }
        return reasons
    }

    private func reason(_ fault: RouteTable.Fault) -> Acknowledgement.Reason {
        let route = compiledRoutes[fault.index]
        return Acknowledgement.Reason(
            name: CompiledName(.route, tenant: route.tenant, name: route.name),
            detail: "'\(fault.pattern.prefix(512))' cannot be matched: \(fault.reason)."
        )
    }

    private mutating func backends(of route: CompiledRoute) -> [GatewayRoute.Backend] {
        route.backends.compactMap { backend in
            guard let cluster = clusters[backend.cluster] else {
                refuse(route, "There is no \(CompiledName(.cluster, tenant: route.tenant, name: backend.cluster)).")
                return nil
            }
            return GatewayRoute.Backend(cluster: cluster, weight: backend.weight)
        }
    }

    private mutating func mirrors(of route: CompiledRoute) -> [GatewayMirror] {
        route.mirrors.compactMap { mirror in
            guard let cluster = clusters[mirror.service] else {
                refuse(route, "There is no \(CompiledName(.cluster, tenant: route.tenant, name: mirror.service)).")
                return nil
            }
            return GatewayMirror(cluster: cluster, percent: UInt64(min(max(mirror.percent, 0), 100)))
        }
    }

    private mutating func refuse(_ route: CompiledRoute, _ detail: String) {
        guard reasons.count < GatewayConfiguration.mostReasons else { return }
        let name = CompiledName(.route, tenant: route.tenant, name: route.name)
        reasons.append(Acknowledgement.Reason(name: name, detail: detail))
    }
}

/// Small numbers that stand for things that come and go: each is given out once until it is given back.
struct SlotAllocator: Sendable {
    private var free: [Int] = []
    private var next = 0

    mutating func take() -> Int {
        if let slot = free.popLast() { return slot }
        next += 1
        return next - 1
    }

    mutating func giveBack(_ slot: Int) { free.append(slot) }
}

extension PathPattern {
    init(_ match: PathMatch) {
        switch match {
        case .exact(let pattern): self = .exact(pattern)
        case .prefix(let pattern): self = .prefix(pattern)
        case .template(let pattern): self = .template(pattern)
        case .regex(let pattern): self = .regex(pattern)
        }
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
