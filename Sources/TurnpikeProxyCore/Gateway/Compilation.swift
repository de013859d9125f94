// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// The work of turning a snapshot into a ``GatewayConfiguration``: names become places in arrays, and what leads nowhere
/// becomes a reason to refuse.
struct Compilation {
    private(set) var reasons: [Acknowledgement.Reason] = []
    private(set) var clusters: [GatewayCluster] = []
    private(set) var entries: [RouteEntry] = []

    private var clusterPlaces: [CompiledName: Int] = [:]
    private var routePlaces: [CompiledName: Int] = [:]
    private var rateLimits: [CompiledName: GatewayRateLimit] = [:]
    private var quotas: [CompiledName: GatewayQuota] = [:]
    private var compiledRoutes: [CompiledRoute] = []
    private var compiledKeys: [CompiledKey] = []

    init(_ snapshot: Snapshot) {
        for (name, resource) in snapshot.resources {
            switch resource {
            case .route(let route): compiledRoutes.append(route)
            case .key(let key): compiledKeys.append(key)
            case .rateLimit(let rateLimit): rateLimits[name] = GatewayRateLimit(rateLimit)
            case .quota(let quota): quotas[name] = GatewayQuota(quota)
            case .cluster(let cluster):
                clusterPlaces[name] = clusters.count
                clusters.append(GatewayCluster(cluster))
            }
        }
        compiledRoutes.sort { $0.id < $1.id }
    }

    mutating func compileRoutes() -> [GatewayRoute] {
        compiledRoutes.enumerated().map { index, route in
            routePlaces[CompiledName(.route, tenant: route.tenant, name: route.name)] = index
            entries.append(
                RouteEntry(
                    index: index, hosts: route.hosts, paths: route.paths.map(PathPattern.init), methods: route.methods,
                    priority: route.priority
                ))
            if route.hosts.isEmpty { refuse(route, "The route names no host.") }
            return GatewayRoute(
                index: index, tenant: route.tenant, name: route.name, id: route.id, tenantID: route.tenantID,
                requiresKey: route.requiresKey, backends: backends(of: route),
                rateLimits: resolve(route.rateLimits, as: .rateLimit, in: rateLimits, for: route),
                quotas: resolve(route.quotas, as: .quota, in: quotas, for: route)
            )
        }
    }

    /// A key that names a route which is not there may not use it; that is no reason to refuse everything else.
    mutating func compileKeys() -> KeyTable {
        var table = KeyTable(capacity: compiledKeys.count)
        for key in compiledKeys {
            let routes = key.routes.compactMap { routePlaces[CompiledName(.route, tenant: key.tenant, name: $0)] }
            guard !table.insert(key, routes: key.routes.isEmpty ? nil : routes) else { continue }
            refuse(CompiledName(.key, tenant: key.tenant, name: key.name), "Another key has the same digest.")
        }
        return table
    }

    /// Looks at each route on its own, once the table of all has turned out to be impossible.
    func reasonsOfPatterns(hashSeed: UInt64) -> [Acknowledgement.Reason] {
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
            let name = CompiledName(.cluster, tenant: route.tenant, name: backend.cluster)
            guard let place = clusterPlaces[name] else {
                refuse(route, "There is no \(name).")
                return nil
            }
            return GatewayRoute.Backend(cluster: place, weight: backend.weight)
        }
    }

    private mutating func resolve<Resolved>(
        _ names: [String], as type: CompiledResource.ResourceType, in known: [CompiledName: Resolved],
        for route: CompiledRoute
    ) -> [Resolved] {
        names.compactMap { name in
            let name = CompiledName(type, tenant: route.tenant, name: name)
            if known[name] == nil { refuse(route, "There is no \(name).") }
            return known[name]
        }
    }

    private mutating func refuse(_ route: CompiledRoute, _ detail: String) {
        refuse(CompiledName(.route, tenant: route.tenant, name: route.name), detail)
    }

    private mutating func refuse(_ name: CompiledName, _ detail: String) {
        guard reasons.count < GatewayConfiguration.mostReasons else { return }
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

extension GatewayCluster {
    init(_ compiled: CompiledCluster) {
        self.init(
            tenant: compiled.tenant, name: compiled.name,
            addresses: compiled.endpoints.map { EndpointAddress(host: $0.host, port: $0.port) },
            weights: compiled.endpoints.map(\.weight),
            connectTimeout: UInt64(max(compiled.connectTimeout.inNanoseconds, 1)),
            responseTimeout: UInt64(max(compiled.responseTimeout.inNanoseconds, 1))
        )
    }
}
