// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// The work of turning a change of what one tenant has into its next ``TenantConfiguration``: names become references, and what
/// leads nowhere becomes a reason to refuse. What it costs follows what the change touches: of the routes that it does not
/// name, those are made anew that refer to what is another from now on, and keep their places in tables.
struct TenantCompilation {
    private(set) var reasons: [Acknowledgement.Reason] = []
    /// Services that are new or have changed; those that have not are the ones that there were before, with what loops know of them.
    private(set) var addedClusters: [GatewayCluster] = []
    private(set) var removedClusters: [GatewayCluster] = []
    /// Of the removed, those that have no successor; others pass their slots on.
    private(set) var lostClusters: [GatewayCluster] = []
    /// That routes match now, and did not before.
    private(set) var addedHosts: Set<String> = []
    private(set) var removedHosts: Set<String> = []

    private let change: TenantChange
    private var directory: RouteDirectory
    private var routes: ShardedMap<String, GatewayRoute>
    private var clusters: ShardedMap<String, GatewayCluster>
    private var limits: TenantLimits
    private var hosts: ShardedMap<String, Int>
    /// Names of routes that are held to something else by themselves from now on.
    private var regrouped: Set<String> = []

    /// - Parameter slots: gives new clusters their slots.
    init(_ change: TenantChange, of former: TenantConfiguration?, hashSeed: UInt64, slots: inout SlotAllocator) {
        self.change = change
        directory = former?.directory ?? RouteDirectory(hashSeed: hashSeed)
        routes = former?.routes ?? ShardedMap()
        clusters = former?.clusters ?? ShardedMap()
        limits = former?.limits ?? TenantLimits()
        hosts = former?.hosts ?? ShardedMap()
        takeClusters(&slots)
        takeLimits()
    }

    private mutating func takeClusters(_ slots: inout SlotAllocator) {
        for (name, resource) in change.clusters {
            let former = clusters[name]
            var now: GatewayCluster?
            if case .cluster(let compiled)? = resource {
                guard former?.compiled != compiled else { continue }
                let inherited = former?.compiled.id == compiled.id ? former?.slot : nil
                now = GatewayCluster(compiled, slot: inherited ?? slots.take())
            }
            clusters[name] = now
            if let now { addedClusters.append(now) }
            guard let former else { continue }
            removedClusters.append(former)
            if now?.slot != former.slot { lostClusters.append(former) }
        }
    }

    private mutating func takeLimits() {
        for (name, resource) in change.rateLimits {
            if case .rateLimit(let compiled)? = resource { limits.set(compiled) } else { limits.removeRateLimit(name) }
        }
        for (name, resource) in change.quotas {
            if case .quota(let compiled)? = resource { limits.set(compiled) } else { limits.removeQuota(name) }
        }
        regrouped = limits.regroup()
    }

    /// - Returns: `nil` where there are reasons against it.
    mutating func configuration() -> TenantConfiguration? {
        var changes: [RouteDirectory.Change] = []
        for (name, resource) in change.routes {
            guard reasons.count < GatewayConfiguration.mostReasons else { return nil }
            var now: GatewayRoute?
            if case .route(let compiled)? = resource { now = make(compiled) }
            changes.append(.init(former: routes[name], now: now))
        }
        changes += relinked()
        guard reasons.isEmpty else { return nil }
        for change in changes {
            if let name = change.now?.name ?? change.former?.name { routes[name] = change.now }
        }
        reasons = directory.take(changes, routes: routes.values).prefix(GatewayConfiguration.mostReasons).map(reason)
        guard reasons.isEmpty else { return nil }
        countHosts(changes)
        // After all have joined theirs, so that a group that goes on keeps its number.
        for case let former? in changes.lazy.map(\.former) { limits.leave(former.group) }
        return TenantConfiguration(
            directory: directory, routes: routes, clusters: clusters, limits: limits, hosts: hosts)
    }

    /// The routes that the change does not name, and that lead to another service, or are of another group, from now on.
    private mutating func relinked() -> [RouteDirectory.Change] {
        let gone = Set(lostClusters.map(\.compiled.id))
        var others = regrouped.compactMap { routes[$0] }.filter { !$0.refers(to: gone) }
        if !gone.isEmpty { others += routes.values.filter { $0.refers(to: gone) } }
        var changes: [RouteDirectory.Change] = []
        for route in others where change.routes.isEmpty || change.routes[route.name] == nil {
            guard reasons.count < GatewayConfiguration.mostReasons else { break }
            changes.append(.init(former: route, now: GatewayRoute(route, links: links(of: route.compiled))))
        }
        return changes
    }

    private mutating func countHosts(_ changes: [RouteDirectory.Change]) {
        var differences: [String: Int] = [:]
        for change in changes {
            guard !change.isSwap else { continue }
            for host in change.former?.entry.hosts ?? [] { differences[host, default: 0] -= 1 }
            for host in change.now?.entry.hosts ?? [] { differences[host, default: 0] += 1 }
        }
        for (host, difference) in differences where difference != 0 {
            let before = hosts[host] ?? 0
            let now = before + difference
            hosts[host] = now > 0 ? now : nil
            if before == 0 { addedHosts.insert(host) }
            if now == 0 { removedHosts.insert(host) }
        }
    }
}

// MARK: - One route

extension TenantCompilation {
    private mutating func make(_ route: CompiledRoute) -> GatewayRoute {
        if route.hosts.isEmpty { refuse(route, "The route names no host.") }
        return GatewayRoute(
            route, links: links(of: route), answer: answer(of: route), rewrite: rewrite(of: route))
    }

    private mutating func links(of route: CompiledRoute) -> GatewayRoute.Links {
        let backends = backends(of: route)
        return GatewayRoute.Links(backends: backends, mirrors: mirrors(of: route), group: limits.join(route))
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

    private func reason(_ found: RouteDirectory.Fault) -> Acknowledgement.Reason {
        Acknowledgement.Reason(
            name: CompiledName(.route, tenant: found.route.tenant, name: found.route.name),
            detail: "'\(found.fault.pattern.prefix(512))' cannot be matched: \(found.fault.reason)."
        )
    }

    private mutating func refuse(_ route: CompiledRoute, _ detail: String) {
        guard reasons.count < GatewayConfiguration.mostReasons else { return }
        let name = CompiledName(.route, tenant: route.tenant, name: route.name)
        reasons.append(Acknowledgement.Reason(name: name, detail: detail))
    }
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
