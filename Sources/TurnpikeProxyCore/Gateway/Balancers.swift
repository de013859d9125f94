// SPDX-License-Identifier: Apache-2.0

/// Whose turn it is among the endpoints of each cluster and the backends of each route, in one event loop. Made piece by
/// piece as requests come; a cluster that a change of configuration leaves as it is keeps its turns.
struct Balancers {
    private struct Balancer {
        let cluster: GatewayCluster
        var turns: WeightedRoundRobin
        /// Endpoint numbers of the directory.
        let endpoints: [Int]
    }

    /// By the clusters' slots.
    private var balancers: [Balancer?] = []
    /// Of routes with several backends. The route is held, so that no other is ever taken for it.
    private var routeTurns: [ObjectIdentifier: (route: GatewayRoute, turns: WeightedRoundRobin)] = [:]

    /// Forgets routes: of a new configuration, they are others.
    mutating func configurationChanged() { routeTurns.removeAll() }

    /// The cluster and endpoint whose turn it is; nil where none of the route's can be used.
    ///
    /// - Parameter preferred: place of a backend that is taken out of turn, where it can be used.
    mutating func next(
        for route: GatewayRoute, preferring preferred: Int? = nil, in directory: inout UpstreamDirectory, now: UInt64
    ) -> (cluster: GatewayCluster, endpoint: Int)? {
        for backend in route.backends { prepare(backend.cluster, &directory) }
        guard let cluster = nextCluster(for: route, preferred, directory, now),
            let endpoints = balancers[cluster.slot]?.endpoints
        else { return nil }
        if endpoints.count == 1 { return (cluster, endpoints[0]) }
        let chosen = balancers[cluster.slot]?.turns.next { directory.isAvailable(endpoints[$0], now: now) }
        return chosen.map { (cluster, endpoints[$0]) }
    }

    private mutating func nextCluster(
        for route: GatewayRoute, _ preferred: Int?, _ directory: UpstreamDirectory, _ now: UInt64
    ) -> GatewayCluster? {
        let backends = route.backends
        if let preferred, isUsable(backends[preferred].cluster, directory, now) { return backends[preferred].cluster }
        if backends.count == 1 {
            return backends[0].weight > 0 && isUsable(backends[0].cluster, directory, now) ? backends[0].cluster : nil
        }
        let usable = backends.map { isUsable($0.cluster, directory, now) }
        let fresh = (route: route, turns: WeightedRoundRobin(weights: backends.map(\.weight)))
        let chosen = routeTurns[ObjectIdentifier(route), default: fresh].turns.next { usable[$0] }
        return chosen.map { backends[$0].cluster }
    }

    private func isUsable(_ cluster: GatewayCluster, _ directory: UpstreamDirectory, _ now: UInt64) -> Bool {
        guard let endpoints = balancers[cluster.slot]?.endpoints else { return false }
        for place in endpoints.indices
        where cluster.weights[place] > 0 && directory.isAvailable(endpoints[place], now: now) { return true }
        return false
    }

    private mutating func prepare(_ cluster: GatewayCluster, _ directory: inout UpstreamDirectory) {
        if cluster.slot >= balancers.count {
            balancers += Array(repeating: nil, count: cluster.slot + 1 - balancers.count)
        }
        guard balancers[cluster.slot]?.cluster !== cluster else { return }
        balancers[cluster.slot] = Balancer(
            cluster: cluster, turns: WeightedRoundRobin(weights: cluster.weights),
            endpoints: cluster.addresses.map { directory.endpoint(at: $0) }
        )
    }
}
