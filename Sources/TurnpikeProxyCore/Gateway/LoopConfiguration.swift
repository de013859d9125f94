// SPDX-License-Identifier: Apache-2.0

/// A configuration with what one event loop adds to it: whose turn it is among backends and endpoints. Made anew with each
/// configuration, piece by piece as requests come.
final class LoopConfiguration {
    private struct Balancer {
        var turns: WeightedRoundRobin
        /// Endpoint numbers of the directory.
        let endpoints: [Int]
    }

    let configuration: GatewayConfiguration
    private var balancers: [Balancer?]
    private var routeTurns: [Int: WeightedRoundRobin] = [:]

    init(_ configuration: GatewayConfiguration) {
        self.configuration = configuration
        balancers = Array(repeating: nil, count: configuration.clusters.count)
    }

    /// The cluster and endpoint whose turn it is; nil where none of the route's can be used.
    func next(
        for route: GatewayRoute, in directory: inout UpstreamDirectory, now: UInt64
    ) -> (cluster: Int, endpoint: Int)? {
        for backend in route.backends { prepare(backend.cluster, &directory) }
        guard let cluster = nextCluster(for: route, directory, now), let endpoints = balancers[cluster]?.endpoints
        else {
            return nil
        }
        if endpoints.count == 1 { return (cluster, endpoints[0]) }
        let chosen = balancers[cluster]?.turns.next { directory.isAvailable(endpoints[$0], now: now) }
        return chosen.map { (cluster, endpoints[$0]) }
    }

    private func nextCluster(for route: GatewayRoute, _ directory: UpstreamDirectory, _ now: UInt64) -> Int? {
        let backends = route.backends
        if backends.count == 1 {
            return backends[0].weight > 0 && isUsable(backends[0].cluster, directory, now) ? backends[0].cluster : nil
        }
        let chosen = routeTurns[route.index, default: WeightedRoundRobin(weights: backends.map(\.weight))].next {
            isUsable(backends[$0].cluster, directory, now)
        }
        return chosen.map { backends[$0].cluster }
    }

    private func isUsable(_ cluster: Int, _ directory: UpstreamDirectory, _ now: UInt64) -> Bool {
        guard let endpoints = balancers[cluster]?.endpoints else { return false }
        let weights = configuration.clusters[cluster].weights
        for place in endpoints.indices
        where weights[place] > 0 && directory.isAvailable(endpoints[place], now: now) { return true }
        return false
    }

    private func prepare(_ cluster: Int, _ directory: inout UpstreamDirectory) {
        guard balancers[cluster] == nil else { return }
        let compiled = configuration.clusters[cluster]
        balancers[cluster] = Balancer(
            turns: WeightedRoundRobin(weights: compiled.weights),
            endpoints: compiled.addresses.map { directory.endpoint(at: $0) }
        )
    }
}
