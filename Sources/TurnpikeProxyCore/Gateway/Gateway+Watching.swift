// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

// What is to be learned of upstreams without a request: where names lead, and how endpoints are. The transport asks, at
// ``Gateway/nextWatch`` and after each answer, what there is to do.

extension Gateway {
    /// When there is something to look up or to ask; nil where nothing is, until something else happens.
    public var nextWatch: UInt64? {
        switch (balancers.names.next, balancers.checks.next) {
        case (let lookup?, let probe?): min(lookup, probe)
        case (let lookup, let probe): lookup ?? probe
        }
    }

    /// Names to look up now, each once. What comes of it is to be told by ``lookedUp(_:_:)``.
    public func takeLookups() -> [String] { balancers.names.takeDue(now: now) }

    /// Takes what a look-up has found. May be told of one that was not asked for.
    ///
    /// - Parameter ips: in numbers, in the order in which to prefer them; empty where it failed, and what was known holds on.
    /// - Returns: idle connections to addresses that the name leads to no longer, for the transport to close.
    public func lookedUp(_ host: String, _ ips: [String]) -> [UpstreamID] {
        observer?.lookedUp(isAnswered: !ips.isEmpty)
        let closed = balancers.take(ips, for: host, in: &upstreams, now: now, random: &random)
        tellCounts()
        return closed
    }

    /// Endpoints to be asked now. Each is to be given back by ``probeEnded(_:)``, once.
    public func takeProbes() -> [HealthProbe] { balancers.checks.takeDue(now: now) }

    /// Takes the outcome of a question; one without an outcome was given up.
    public func probeEnded(_ probe: HealthProbe) {
        guard let change = balancers.take(probe, in: &upstreams, now: now, random: &random) else { return }
        observer?.healthChanged(change)
        tellCounts()
    }

    func tellCounts() {
        for count in balancers.takeCounts() { observer?.endpointsCounted(count) }
    }
}

/// That an endpoint is in another state of health than before, as its service's checks see it.
public struct HealthChange: Sendable, Hashable {
    public let tenant: String
    public let service: String
    public let endpoint: EndpointAddress
    public let isHealthy: Bool
    /// Nothing was known of it before.
    public let isFirst: Bool
    /// Of the last answer.
    public let failure: HealthProbe.Failure?
    /// Where the failure is a status, of HTTP or gRPC.
    public let status: Int?
}

/// How many endpoints of a service are how, as one event loop sees it.
public struct HealthCount: Sendable, Hashable {
    public let service: ResourceID
    public let tenant: String
    public let name: String
    public var healthy = 0
    public var unhealthy = 0
    /// Not asked yet.
    public var unknown = 0
}
