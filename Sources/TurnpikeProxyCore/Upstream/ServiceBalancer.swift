// SPDX-License-Identifier: Apache-2.0

/// A service as one event loop knows it: the state of its endpoints, and whose turn it is among them. Confined to the loop.
///
/// A request keeps the one that it began with. When the service is configured anew, its successor takes over what is known of
/// the endpoints that stay.
final class ServiceBalancer {
    let cluster: GatewayCluster
    let members: ServiceMembers
    let endpoints: [EndpointState]
    let load: ServiceLoad
    private var turns: WeightedRoundRobin
    /// No endpoint is fit by its checks. Then checks are disregarded: it is as likely that they are wrong as that all
    /// endpoints are, and the worst that requests can find is what a refusal would have been.
    private(set) var disregardsChecks = false
    /// Nil where no zone is preferred.
    private var zones: ZonePreference?
    /// Of the directory, when zones were weighed.
    private var weighedReachChanges: UInt64 = 0

    /// - Parameter zone: the gateway's own.
    init(
        _ cluster: GatewayCluster, _ members: ServiceMembers? = nil, after former: ServiceBalancer?, zone: String?,
        in directory: inout UpstreamDirectory, now: UInt64
    ) {
        self.cluster = cluster
        let members = members ?? cluster.members
        self.members = members
        load = former?.load ?? ServiceLoad()
        let known = former.map { Dictionary($0.endpoints.map { ($0.address, $0) }, uniquingKeysWith: { $1 }) } ?? [:]
        let waits = former != nil && cluster.healthRule != nil
        endpoints = members.addresses.map { address in
            // Asked for even where it is known, as it may have been retired meanwhile.
            let number = directory.endpoint(at: address)
            if let state = known[address] { return state }
            if address.ip != nil, let name = known[address.unresolved] {
                return EndpointState(address: address, number: number, inPlaceOf: name)
            }
            return EndpointState(
                address: address, number: number, addedAt: former == nil ? 0 : now, health: HealthState(waits: waits))
        }
        turns = WeightedRoundRobin(weights: members.weights)
        zones = ZonePreference(members, in: zone, by: cluster.localityAwareness)
        healthChanged()
    }

    /// What is known of the endpoints' health is not what it was.
    func healthChanged() {
        disregardsChecks = !endpoints.indices.contains { members.weights[$0] > 0 && endpoints[$0].health.isFit }
        zones?.healthChanged()
    }

    /// How healthy zones are is known for as long as nobody is found out or back.
    private func weighZones(by directory: inout UpstreamDirectory, now: UInt64) {
        guard let zones, now >= zones.nextChange || directory.reachChanges != weighedReachChanges else { return }
        weighedReachChanges = directory.reachChanges
        self.zones?.weigh(members.weights, now: now) { place in
            guard isFit(place) else { return .max }
            return max(endpoints[place].outlier.ejectedUntil, directory.outUntil(endpoints[place].number))
        }
    }

    /// The endpoints that come first for a request, by its hash where it has one, so that what belongs together stays together;
    /// nil where all are alike.
    private func preferred(
        hash: UInt64?, afterLosing tried: EndpointSet?, in directory: inout UpstreamDirectory,
        random: inout RandomSource, now: UInt64
    ) -> EndpointSet? {
        if let tried { return zones?.untouched(by: tried) }
        weighZones(by: &directory, now: now)
        // Mixed, as the table of `maglev` goes by the hash itself.
        return zones?.preferred { hash.map { ($0 &* 0x9E37_79B9_7F4A_7C15) >> 32 } ?? random.next() }
    }

    /// Whether any endpoint can be used, and is fit as far as is known.
    func isUsable(in directory: inout UpstreamDirectory, now: UInt64) -> Bool {
        guard !disregardsChecks else { return false }
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
    ///   - tried: endpoints that the request has tried: they come last, in whatever zone they are.
    ///   - isLastChance: the request has no other try after this one, and those before could not reach anybody.
    func next(
        hash: UInt64?, tried: EndpointSet, isLastChance: Bool, in directory: inout UpstreamDirectory,
        random: inout RandomSource, now: UInt64
    ) -> Int? {
        if endpoints.count == 1 { return weight(of: 0, in: &directory, now: now) > 0 ? 0 : nil }
        if let preferred = preferred(
            hash: hash, afterLosing: isLastChance ? tried : nil, in: &directory, random: &random, now: now),
            let place = choose(
                hash, random: &random,
                weighing: {
                    preferred.contains($0) && !tried.contains($0) ? weight(of: $0, in: &directory, now: now) : 0
                })
        {
            return place
        }
        if tried.isEmpty {
            return choose(hash, random: &random) { weight(of: $0, in: &directory, now: now) }
        }
        return choose(hash, random: &random) { tried.contains($0) ? 0 : weight(of: $0, in: &directory, now: now) }
            ?? choose(hash, random: &random) { weight(of: $0, in: &directory, now: now) }
    }

    /// Whether any endpoint can be tried, be it the last resort.
    func mayBeTried(now: UInt64) -> Bool { endpoints.indices.contains { lastWeight(of: $0, now: now) > 0 } }

    /// The last resort: the place of an endpoint that is not ejected, though it could not be reached a moment ago, or is not
    /// fit.
    func nextLastResort(hash: UInt64?, tried: EndpointSet, random: inout RandomSource, now: UInt64) -> Int? {
        choose(hash, random: &random) { isFit($0) && !tried.contains($0) ? lastWeight(of: $0, now: now) : 0 }
            ?? choose(hash, random: &random) { isFit($0) ? lastWeight(of: $0, now: now) : 0 }
            ?? choose(hash, random: &random) { lastWeight(of: $0, now: now) }
    }

    private func lastWeight(of place: Int, now: UInt64) -> Int {
        endpoints[place].outlier.isEjected(now: now) ? 0 : members.weights[place]
    }

    private func isFit(_ place: Int) -> Bool { disregardsChecks || endpoints[place].health.isFit }

    private func choose(_ hash: UInt64?, random: inout RandomSource, weighing weight: (Int) -> Int) -> Int? {
        switch cluster.balancing {
        case .leastRequest:
            return LeastRequest.choose(
                among: endpoints.count, weight: weight, load: { endpoints[$0].activeRequests }, random: &random)
        case .maglev:
            guard let hash, let table = members.table else { return turns.next(weighing: weight) }
            return table.place(of: hash) { weight($0) > 0 }
        case .roundRobin: return turns.next(weighing: weight)
        }
    }

    /// An endpoint's weight at present; 0 where it cannot be used.
    private func weight(of place: Int, in directory: inout UpstreamDirectory, now: UInt64) -> Int {
        let endpoint = endpoints[place]
        guard isFit(place), directory.isAvailable(endpoint.number, now: now), !endpoint.outlier.isEjected(now: now)
        else {
            return 0
        }
        guard cluster.slowStart > 0 else { return members.weights[place] }
        let start = max(
            endpoint.addedAt, endpoint.outlier.ejectedUntil, endpoint.health.returnedAt,
            directory.returned(endpoint.number))
        return members.weights[place] * SlowStart.percent(since: start, lasting: cluster.slowStart, now: now)
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
        let live = endpoints.indices.filter { members.weights[$0] > 0 }
        let ejected = live.count { endpoints[$0].outlier.isEjected(now: now) }
        guard ejected < rule.mostEjected(of: live.count) else { return false }
        endpoints[place].outlier.eject(by: rule, now: now)
        zones?.healthChanged()
        return true
    }
}
