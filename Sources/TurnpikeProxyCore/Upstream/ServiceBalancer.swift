// SPDX-License-Identifier: Apache-2.0

/// A service as one event loop knows it: the state of its endpoints, and whose turn it is among them. Confined to the loop.
///
/// A request keeps the one that it began with. When the service is configured anew, its successor takes over what is known of
/// the endpoints that stay.
final class ServiceBalancer {
    let cluster: GatewayCluster
    let endpoints: [EndpointState]
    let load: ServiceLoad
    private var turns: WeightedRoundRobin

    init(
        _ cluster: GatewayCluster, after former: ServiceBalancer?, in directory: inout UpstreamDirectory, now: UInt64
    ) {
        self.cluster = cluster
        load = former?.load ?? ServiceLoad()
        let known = former.map { Dictionary($0.endpoints.map { ($0.address, $0) }, uniquingKeysWith: { $1 }) } ?? [:]
        endpoints = cluster.addresses.map { address in
            // Asked for even where it is known, as it may have been retired meanwhile.
            let number = directory.endpoint(at: address)
            return known[address]
                ?? EndpointState(address: address, number: number, addedAt: former == nil ? 0 : now)
        }
        turns = WeightedRoundRobin(weights: cluster.weights)
    }

    /// Whether any endpoint can be used.
    func isUsable(in directory: inout UpstreamDirectory, now: UInt64) -> Bool {
        for place in endpoints.indices where weight(of: place, in: &directory, now: now) > 0 { return true }
        return false
    }

    /// Whether an endpoint can be used that is none of these.
    func hasOther(than tried: EndpointSet, in directory: inout UpstreamDirectory, now: UInt64) -> Bool {
        for place in endpoints.indices where !tried.contains(place) && weight(of: place, in: &directory, now: now) > 0 {
            return true
        }
        return false
    }

    /// The place of the endpoint for a request's next try; nil where none can be used.
    ///
    /// - Parameters:
    ///   - hash: of the part of the request that the service goes by, if it does and the request has it.
    ///   - tried: endpoints that the request has tried: they come last.
    func next(
        hash: UInt64?, tried: EndpointSet, in directory: inout UpstreamDirectory, random: inout RandomSource,
        now: UInt64
    ) -> Int? {
        if endpoints.count == 1 { return weight(of: 0, in: &directory, now: now) > 0 ? 0 : nil }
        if tried.isEmpty {
            return choose(hash, random: &random) { weight(of: $0, in: &directory, now: now) }
        }
        return choose(hash, random: &random) { tried.contains($0) ? 0 : weight(of: $0, in: &directory, now: now) }
            ?? choose(hash, random: &random) { weight(of: $0, in: &directory, now: now) }
    }

    /// The place of an endpoint that is not ejected, though it may have been out of reach a moment ago.
    func nextUnreachable(hash: UInt64?, random: inout RandomSource, now: UInt64) -> Int? {
        choose(hash, random: &random) {
            endpoints[$0].outlier.isEjected(now: now) ? 0 : cluster.weights[$0]
        }
    }

    private func choose(_ hash: UInt64?, random: inout RandomSource, weighing weight: (Int) -> Int) -> Int? {
        switch cluster.balancing {
        case .leastRequest:
            return LeastRequest.choose(
                among: endpoints.count, weight: weight, load: { endpoints[$0].activeRequests }, random: &random)
        case .maglev(let table, _):
            guard let hash else { return turns.next(weighing: weight) }
            return table.place(of: hash) { weight($0) > 0 }
        case .roundRobin: return turns.next(weighing: weight)
        }
    }

    /// An endpoint's weight at present; 0 where it cannot be used.
    private func weight(of place: Int, in directory: inout UpstreamDirectory, now: UInt64) -> Int {
        let endpoint = endpoints[place]
        guard directory.isAvailable(endpoint.number, now: now), !endpoint.outlier.isEjected(now: now) else { return 0 }
        guard cluster.slowStart > 0 else { return cluster.weights[place] }
        let start = max(endpoint.addedAt, endpoint.outlier.ejectedUntil, directory.returned(endpoint.number))
        return cluster.weights[place] * SlowStart.percent(since: start, lasting: cluster.slowStart, now: now)
    }

    /// Of what there is as much as there may be, so that no connection can be made; nil where one can.
    func boundOfConnections(in directory: inout UpstreamDirectory) -> StaticString? {
        let limits = cluster.loadLimits
        if load.pendingRequests >= limits.pendingRequests { return "requests that wait for a connection" }
        guard limits.connections < .max else { return nil }
        var open = 0
        for endpoint in endpoints { open += directory.openCount(of: endpoint.number) }
        return open < limits.connections ? nil : "connections"
    }

    /// An endpoint that can be used and has a connection that waits.
    func placeWithIdle(in directory: inout UpstreamDirectory, now: UInt64) -> Int? {
        for place in endpoints.indices
        where directory.idleCount(of: endpoints[place].number) > 0 && weight(of: place, in: &directory, now: now) > 0 {
            return place
        }
        return nil
    }

    // MARK: - Judging

    /// Takes note of what a try at an endpoint has come to, and ejects it where the service's rule says so.
    ///
    /// - Returns: whether it was ejected.
    func note(_ outcome: TryOutcome, at place: Int, now: UInt64) -> Bool {
        guard let rule = cluster.outlierRule, endpoints[place].outlier.note(outcome, by: rule, now: now) else {
            return false
        }
        // Those of weight 0 get nothing, and are no reason to take another out.
        let live = endpoints.indices.filter { cluster.weights[$0] > 0 }
        let ejected = live.count { endpoints[$0].outlier.isEjected(now: now) }
        guard ejected < rule.mostEjected(of: live.count) else { return false }
        endpoints[place].outlier.eject(by: rule, now: now)
        return true
    }
}
