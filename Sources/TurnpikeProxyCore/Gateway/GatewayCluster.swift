// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// A service as requests reach it. Immutable, and a class so that it can be told from another of the same name.
final class GatewayCluster: Sendable {
    /// How an endpoint is chosen.
    enum Balancing: Sendable {
        case roundRobin
        case leastRequest
        case maglev(MaglevTable, RequestHash)
    }

    /// By which loops find what they know of it. Another cluster may have it once this one is gone.
    let slot: Int
    /// What it was made of.
    let compiled: CompiledCluster
    let addresses: [EndpointAddress]
    let weights: [Int]
    let balancing: Balancing
    /// Nanoseconds until an endpoint has its full weight; 0 where it has at once.
    let slowStart: UInt64
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

    var name: String { compiled.name }

    init(_ compiled: CompiledCluster, slot: Int) {
        self.slot = slot
        self.compiled = compiled
        let wire = UpstreamWire(speaksHTTP2: compiled.protocol == .http2, tls: compiled.tls)
        addresses = compiled.endpoints.map { EndpointAddress(host: $0.host, port: $0.port, wire: wire) }
        weights = compiled.endpoints.map { min(max($0.weight, 0), 1000) }
        balancing = Balancing(compiled, addresses, weights)
        slowStart = UInt64(max(compiled.loadBalancing?.slowStart?.inNanoseconds ?? 0, 0))
        outlierRule = compiled.outlierDetection.map(OutlierRule.init)
        retryRule = compiled.retries.map(RetryRule.init)
        loadLimits = LoadLimits(compiled.circuitBreakers)
        connectTimeout = UInt64(max(compiled.connectTimeout.inNanoseconds, 1))
        responseTimeout = UInt64(max(compiled.responseTimeout.inNanoseconds, 1))
        requestTimeout = compiled.requestTimeout.map { UInt64(max($0.inNanoseconds, 1)) } ?? .max
    }
}

extension GatewayCluster.Balancing {
    fileprivate init(_ compiled: CompiledCluster, _ addresses: [EndpointAddress], _ weights: [Int]) {
        switch (compiled.loadBalancing?.algorithm, compiled.loadBalancing?.hashOn) {
        case (.maglev, let input?):
            // The id is the same at all gateways, and so is the endpoint that a request is sent to.
            let seed = compiled.id.high ^ compiled.id.low
            self = .maglev(MaglevTable(addresses, weights: weights), RequestHash(input, seed: seed))
        case (.leastRequest, _): self = .leastRequest
        case (.roundRobin, _), (.maglev, nil), (nil, _): self = .roundRobin
        }
    }
}
