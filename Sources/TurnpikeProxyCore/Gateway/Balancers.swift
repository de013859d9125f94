// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// The services of one event loop, and whose turn it is among the backends of each route. Made piece by piece as requests
/// come; a service that a change of configuration leaves as it is keeps its turns.
struct Balancers {
    /// Of the gateway; nil where nobody said.
    private let zone: String?
    /// By their slots: the services of the configuration, each as it is now.
    private var clusters: [GatewayCluster?] = []
    /// By the clusters' slots.
    private(set) var services: [ServiceBalancer?] = []
    /// Slots by the services' ids: where the successor of a service finds what is known.
    private var slots: [ResourceID: Int] = [:]
    /// Of routes with several backends, by their ids: they go on whatever else a configuration changes.
    private(set) var routeTurns: [ResourceID: RouteTurns] = [:]
    /// How many turns there may be before those of routes that are gone are looked for.
    private var mostTurns = Balancers.fewTurns
    private static let fewTurns = 64
    /// By the endpoints' numbers: how many services have it.
    private var uses: [Int] = []

    /// Endpoints that services have let go of, as long as requests under way may know them.
    private var leaving: [Leaving] = []

    private struct Leaving {
        let number: Int
        weak var state: EndpointState?

        init(_ state: EndpointState) {
            number = state.number
            self.state = state
        }
    }

    var names = NameTable()
    var checks = HealthSchedule()
    /// Of services that are checked, since they were taken last.
    private var counts: [HealthCount] = []

    /// - Parameter zone: of the gateway.
    init(zone: String? = nil) { self.zone = zone }

    /// The service whose turn it is; nil where none of the route's has an endpoint that can be used.
    ///
    /// - Parameter preferred: place of a backend that is taken out of turn, where it can be used.
    mutating func service(
        for route: GatewayRoute, preferring preferred: Int? = nil, in directory: inout UpstreamDirectory, now: UInt64
    ) -> ServiceBalancer? {
        if let preferred {
            let service = service(of: route.backends[preferred].cluster, &directory, now)
            if service.isUsable(in: &directory, now: now) { return service }
        }
        if route.backends.count == 1 {
            guard route.backends[0].weight > 0 else { return nil }
            let service = service(of: route.backends[0].cluster, &directory, now)
            return service.isUsable(in: &directory, now: now) ? service : nil
        }
        let backends = route.backends
        let usable = backends.map { service(of: $0.cluster, &directory, now).isUsable(in: &directory, now: now) }
        return next(of: route) { usable[$0] }.map { service(of: backends[$0].cluster, &directory, now) }
    }

    /// Where none of the route's services has an endpoint that can be used: one whose endpoints can be reached, though all of them
    /// fail their checks; else one that has some that could not be reached a moment ago. To ask them once more is better than to
    /// refuse.
    mutating func lastResort(
        for route: GatewayRoute, in directory: inout UpstreamDirectory, now: UInt64
    ) -> ServiceBalancer? {
        let services = route.backends.map { service(of: $0.cluster, &directory, now) }
        let isReachable = services.map { $0.hasOther(than: EndpointSet(), in: &directory, now: now) }
        let place = next(of: route) { isReachable[$0] } ?? next(of: route) { services[$0].mayBeTried(now: now) }
        return place.map { services[$0] }
    }

    /// The place of the backend whose turn it is.
    private mutating func next(of route: GatewayRoute, where isAvailable: (Int) -> Bool) -> Int? {
        routeTurns[route.id, default: RouteTurns(of: route)].next(of: route, where: isAvailable)
    }

    /// The service as it is now, whichever version of it the route leads to that names it.
    mutating func service(
        of cluster: GatewayCluster, _ directory: inout UpstreamDirectory, _ now: UInt64
    ) -> ServiceBalancer {
        let slot = cluster.slot
        if slot < services.count, let known = services[slot], known.cluster.isVersion(of: cluster) { return known }
        // Of a request that began with another configuration: its service as it is now.
        if let slot = slots[cluster.compiled.id], let known = services[slot] { return known }
        let newest = slot < clusters.count ? clusters[slot] : nil
        let version = newest.flatMap { $0.isVersion(of: cluster) ? $0 : nil }
        let made = ServiceBalancer(version ?? cluster, after: nil, zone: zone, in: &directory, now: now)
        if version != nil {
            keep(made)
        } else {
            // The service is gone, and its slot may be another's by now.
            leaving += made.endpoints.map(Leaving.init)
        }
        return made
    }

    private mutating func keep(_ service: ServiceBalancer) {
        let slot = service.cluster.slot
        if slot >= services.count { services += Array(repeating: nil, count: slot + 1 - services.count) }
        services[slot] = service
        slots[service.cluster.compiled.id] = slot
        for endpoint in service.endpoints {
            if endpoint.number >= uses.count {
                uses += Array(repeating: 0, count: endpoint.number + 1 - uses.count)
            }
            uses[endpoint.number] += 1
        }
    }
}

// MARK: - Changes

extension Balancers {
    /// Takes over what a configuration has changed. Services that were asked for, or are watched, are made at once.
    ///
    /// - Returns: idle connections to endpoints that are used no longer.
    mutating func apply(
        _ changes: ClusterChanges, in directory: inout UpstreamDirectory, now: UInt64, random: inout RandomSource
    ) -> [UpstreamID] {
        note(changes)
        var formers: [ResourceID: ServiceBalancer] = [:]
        let leaving =
            changes.replacesAll ? Array(slots.keys) : (changes.removed + changes.added).map(\.compiled.id)
        for id in leaving {
            guard let slot = slots.removeValue(forKey: id) else { continue }
            formers[id] = services[slot]
            services[slot] = nil
        }
        var closed: [UpstreamID] = []
        for cluster in changes.added {
            let former = formers.removeValue(forKey: cluster.compiled.id)
            guard former != nil || cluster.isWatched else { continue }
            closed += begin(cluster, after: former, in: &directory, now: now, random: &random)
        }
        for former in formers.values { closed += end(former, in: &directory) }
        return closed
    }

    /// Forgets whose turn it is among the backends of routes that are gone, once there may be as many of them as of others. To be
    /// called with each configuration.
    mutating func forgetTurns(whereGone isGone: (GatewayRoute) -> Bool) {
        guard routeTurns.count > mostTurns else { return }
        routeTurns = routeTurns.filter { !isGone($0.value.route) }
        mostTurns = max(Self.fewTurns, 2 * routeTurns.count)
    }

    private mutating func note(_ changes: ClusterChanges) {
        if changes.replacesAll { clusters.removeAll() }
        for cluster in changes.removed where cluster.slot < clusters.count { clusters[cluster.slot] = nil }
        for cluster in changes.added {
            if cluster.slot >= clusters.count {
                clusters += Array(repeating: nil, count: cluster.slot + 1 - clusters.count)
            }
            clusters[cluster.slot] = cluster
        }
    }

    /// Takes what a look-up has found: services with that name get other endpoints.
    ///
    /// - Returns: idle connections to endpoints that are used no longer.
    mutating func take(
        _ ips: [String], for host: String, in directory: inout UpstreamDirectory, now: UInt64,
        random: inout RandomSource
    ) -> [UpstreamID] {
        var closed: [UpstreamID] = []
        for id in names.take(ips, for: host, now: now, random: &random) {
            guard let slot = slots[id], let service = services[slot] else { continue }
            closed += begin(service.cluster, after: service, in: &directory, now: now, random: &random)
        }
        return closed
    }

    private mutating func begin(
        _ cluster: GatewayCluster, after former: ServiceBalancer?, in directory: inout UpstreamDirectory, now: UInt64,
        random: inout RandomSource
    ) -> [UpstreamID] {
        let id = cluster.compiled.id
        names.follow(cluster.names, for: id, every: cluster.refreshRate, now: now)
        if let former {
            names.unfollow(former.cluster.names.filter { !cluster.names.contains($0) }, for: id)
        }
        let service = ServiceBalancer(
            cluster, cluster.members(by: names), after: former, zone: zone, in: &directory, now: now)
        checks.follow(service, after: former, now: now, random: &random)
        service.healthChanged()
        keep(service)
        if cluster.healthRule != nil || former?.cluster.healthRule != nil { counts.append(service.healthCount) }
        return former.map { letGo($0.endpoints, except: service.endpoints, in: &directory) } ?? []
    }

    private mutating func end(_ service: ServiceBalancer, in directory: inout UpstreamDirectory) -> [UpstreamID] {
        let cluster = service.cluster
        names.unfollow(cluster.names, for: cluster.compiled.id)
        checks.unfollow(service.endpoints)
        if cluster.healthRule != nil {
            counts.append(
                HealthCount(service: cluster.compiled.id, tenant: cluster.compiled.tenant, name: cluster.name))
        }
        return letGo(service.endpoints, in: &directory)
    }

    /// - Parameter staying: what another service holds on to.
    private mutating func letGo(
        _ endpoints: [EndpointState], except staying: [EndpointState] = [], in directory: inout UpstreamDirectory
    ) -> [UpstreamID] {
        let stays = Set(staying.map(ObjectIdentifier.init))
        var closed: [UpstreamID] = []
        for endpoint in endpoints {
            uses[endpoint.number] -= 1
            if uses[endpoint.number] == 0 { closed += directory.retire(endpoint.number) }
            if !stays.contains(ObjectIdentifier(endpoint)) { leaving.append(Leaving(endpoint)) }
        }
        return closed
    }

    /// Forgets endpoints that nobody knows any more, so that addresses which come and go take no memory. To be called every
    /// few seconds.
    mutating func forgetUnused(in directory: inout UpstreamDirectory) {
        guard !leaving.isEmpty else { return }
        let isHeld = { (left: Leaving) in left.state != nil || directory.openCount(of: left.number) > 0 }
        let gone = Set(leaving.map(\.number)).subtracting(leaving.filter(isHeld).map(\.number))
        leaving.removeAll { gone.contains($0.number) }
        for number in gone where number >= uses.count || uses[number] == 0 { directory.forget(number) }
    }
}

// MARK: - Health

extension Balancers {
    /// Takes the outcome of a question.
    mutating func take(
        _ probe: HealthProbe, in directory: inout UpstreamDirectory, now: UInt64, random: inout RandomSource
    ) -> HealthChange? {
        checks.ended(probe, now: now, random: &random)
        guard let outcome = probe.outcome, let service = probe.check.service, let rule = service.cluster.healthRule
        else { return nil }
        let endpoint = probe.check.endpoint
        if outcome == .good, rule.check.port == nil { directory.reached(endpoint.number, now: now) }
        let isFirst = endpoint.health.standing == .unknown
        guard endpoint.health.note(isGood: outcome == .good, by: rule.check, now: now) else { return nil }
        service.healthChanged()
        counts.append(service.healthCount)
        var failure: HealthProbe.Failure?
        if case .bad(let reason) = outcome { failure = reason }
        return HealthChange(
            tenant: service.cluster.compiled.tenant, service: service.cluster.name, endpoint: endpoint.address,
            isHealthy: outcome == .good, isFirst: isFirst, failure: failure,
            status: probe.status)
    }

    mutating func takeCounts() -> [HealthCount] {
        defer { counts.removeAll() }
        return counts
    }
}

extension ServiceBalancer {
    /// Of its endpoints; all zero where it is not checked.
    fileprivate var healthCount: HealthCount {
        var count = HealthCount(service: cluster.compiled.id, tenant: cluster.compiled.tenant, name: cluster.name)
        guard cluster.healthRule != nil else { return count }
        for endpoint in endpoints {
            switch endpoint.health.standing {
            case .healthy: count.healthy += 1
            case .unhealthy: count.unhealthy += 1
            case .unknown: count.unknown += 1
            }
        }
        return count
    }
}
