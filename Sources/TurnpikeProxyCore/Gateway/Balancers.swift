// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// The services of one event loop, and whose turn it is among the backends of each route. Made piece by piece as requests
/// come; a service that a change of configuration leaves as it is keeps its turns.
struct Balancers {
    /// By the clusters' slots.
    private var services: [ServiceBalancer?] = []
    /// Slots by the services' ids: where the successor of a service finds what is known.
    private var slots: [ResourceID: Int] = [:]
    /// Of routes with several backends. The route is held, so that no other is ever taken for it.
    private var routeTurns: [ObjectIdentifier: (route: GatewayRoute, turns: WeightedRoundRobin)] = [:]

    /// Forgets routes: of a new configuration, they are others.
    mutating func configurationChanged() { routeTurns.removeAll() }

    /// The service whose turn it is; nil where none of the route's has an endpoint that can be used.
    ///
    /// - Parameter preferred: place of a backend that is taken out of turn, where it can be used.
    mutating func service(
        for route: GatewayRoute, preferring preferred: Int? = nil, in directory: inout UpstreamDirectory, now: UInt64
    ) -> ServiceBalancer? {
        let backends = route.backends
        if let preferred {
            let service = service(of: backends[preferred].cluster, &directory, now)
            if service.isUsable(in: &directory, now: now) { return service }
        }
        if backends.count == 1 {
            guard backends[0].weight > 0 else { return nil }
            let service = service(of: backends[0].cluster, &directory, now)
            return service.isUsable(in: &directory, now: now) ? service : nil
        }
        let usable = backends.map { service(of: $0.cluster, &directory, now).isUsable(in: &directory, now: now) }
        let fresh = (route: route, turns: WeightedRoundRobin(weights: backends.map(\.weight)))
        let chosen = routeTurns[ObjectIdentifier(route), default: fresh].turns.next { usable[$0] }
        return chosen.map { service(of: backends[$0].cluster, &directory, now) }
    }

    mutating func service(
        of cluster: GatewayCluster, _ directory: inout UpstreamDirectory, _ now: UInt64
    ) -> ServiceBalancer {
        if cluster.slot < services.count, let known = services[cluster.slot], known.cluster === cluster { return known }
        return make(cluster, &directory, now)
    }

    private mutating func make(
        _ cluster: GatewayCluster, _ directory: inout UpstreamDirectory, _ now: UInt64
    ) -> ServiceBalancer {
        if cluster.slot >= services.count {
            services += Array(repeating: nil, count: cluster.slot + 1 - services.count)
        }
        let id = cluster.compiled.id
        // The slot of a service that is gone may be another's by now.
        let former = slots[id].flatMap { services[$0] }.flatMap { $0.cluster.compiled.id == id ? $0 : nil }
        if let displaced = services[cluster.slot]?.cluster.compiled.id, slots[displaced] == cluster.slot {
            slots[displaced] = nil
        }
        let made = ServiceBalancer(cluster, after: former, in: &directory, now: now)
        services[cluster.slot] = made
        slots[id] = cluster.slot
        return made
    }
}
