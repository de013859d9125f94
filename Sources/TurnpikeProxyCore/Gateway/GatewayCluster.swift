// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// A service as requests reach it. Immutable, and a class so that it can be told from another of the same name.
final class GatewayCluster: Sendable {
    /// How an endpoint is chosen.
    enum Balancing: Sendable {
        case roundRobin
        case leastRequest
        case maglev(RequestHash)
    }

    /// By which loops find what they know of it. All versions of a service have the same; another service may have it once this
    /// one is gone.
    let slot: Int
    /// What it was made of.
    let compiled: CompiledCluster
    private let endpoints: [ServiceMembers.Configured]
    /// Hosts of endpoints that have to be looked up, each once.
    let names: [String]
    /// How often that is, in nanoseconds.
    let refreshRate: UInt64
    /// The endpoints, no name looked up.
    let members: ServiceMembers
    /// Nil where endpoints are not asked how they are.
    let healthRule: HealthRule?
    let balancing: Balancing
    /// Nanoseconds until an endpoint has its full weight; 0 where it has at once.
    let slowStart: UInt64
    /// Nil where zones do not matter.
    let localityAwareness: LoadBalancing.LocalityAwareness?
    let outlierRule: OutlierRule?
    /// Nil where the service says nothing of retries.
    let retryRule: RetryRule?
    let loadLimits: LoadLimits
    /// Nanoseconds.
    let connectTimeout: UInt64
    /// Nanoseconds from the end of the request to the answer's head, and between two pieces of its content.
    let responseTimeout: UInt64
    /// Nanoseconds from the request's head to the end of the answer, all tries together; `.max` where there is no such bound.
    let requestTimeout: UInt64
    /// Nanoseconds that a connection may wait for its next request.
    let idleTimeout: UInt64
    /// Nanoseconds that both sides of a request may be silent while it is not over; nil where others bound that.
    let streamIdleTimeout: UInt64?

    var name: String { compiled.name }
    var speaksHTTP2: Bool { compiled.protocol == .http2 }

    init(_ compiled: CompiledCluster, slot: Int) {
        self.slot = slot
        self.compiled = compiled
        let wire = UpstreamWire(
            speaksHTTP2: compiled.protocol == .http2, tls: compiled.tls, tenant: compiled.tenant)
        let idleTime = UInt64(max((compiled.idleTimeout ?? Service.defaultIdleTimeout).inNanoseconds, 1))
        endpoints = compiled.endpoints.map {
            ServiceMembers.Configured(
                address: EndpointAddress(host: $0.host, port: $0.port, wire: wire, idleTime: idleTime),
                weight: min(max($0.weight, 0), 1000), zone: $0.zone)
        }
        let names = Set(endpoints.map(\.address.host).filter { !Host.isNumeric($0) })
        self.names = names.sorted()
        refreshRate = UInt64(max((compiled.dnsRefreshRate ?? .seconds(10)).inNanoseconds, 1_000_000))
        balancing = Balancing(compiled)
        members = ServiceMembers(endpoints, hasTable: balancing.needsTable)
        healthRule = compiled.healthCheck.map(HealthRule.init)
        slowStart = UInt64(max(compiled.loadBalancing?.slowStart?.inNanoseconds ?? 0, 0))
        localityAwareness = compiled.loadBalancing?.localityAwareness
        outlierRule = compiled.outlierDetection.map(OutlierRule.init)
        retryRule = compiled.retries.map(RetryRule.init)
        loadLimits = LoadLimits(compiled.circuitBreakers)
        connectTimeout = UInt64(max(compiled.connectTimeout.inNanoseconds, 1))
        responseTimeout = UInt64(max(compiled.responseTimeout.inNanoseconds, 1))
        requestTimeout = compiled.requestTimeout.map { UInt64(max($0.inNanoseconds, 1)) } ?? .max
        idleTimeout = idleTime
        streamIdleTimeout = compiled.streamIdleTimeout.map { $0 > .zero ? UInt64($0.inNanoseconds) : .max }
    }
}

extension GatewayCluster {
    /// Whether both are the same service, if not the same of it.
    func isVersion(of other: GatewayCluster) -> Bool { self === other || compiled.id == other.compiled.id }

    /// Whether loops have something to do about it before any request comes.
    var isWatched: Bool { !names.isEmpty || healthRule != nil }

    /// The endpoints, as far as their names have been looked up.
    func members(by table: NameTable) -> ServiceMembers {
        guard !names.isEmpty else { return members }
        return ServiceMembers(endpoints, hasTable: balancing.needsTable, names: table)
    }
}

extension GatewayCluster.Balancing {
    fileprivate var needsTable: Bool { if case .maglev = self { true } else { false } }

    fileprivate init(_ compiled: CompiledCluster) {
        switch (compiled.loadBalancing?.algorithm, compiled.loadBalancing?.hashOn) {
        case (.maglev, let input?):
            // The id is the same at all gateways, and so is the endpoint that a request is sent to.
            let seed = compiled.id.high ^ compiled.id.low
            self = .maglev(RequestHash(input, seed: seed))
        case (.leastRequest, _): self = .leastRequest
        case (.roundRobin, _), (.maglev, nil), (nil, _): self = .roundRobin
        }
    }
}
