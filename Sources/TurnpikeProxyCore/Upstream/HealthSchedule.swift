// SPDX-License-Identifier: Apache-2.0

import TurnpikeSnapshot

/// That one service asks one of its endpoints how it is, again and again.
final class EndpointCheck: DueEntry {
    let endpoint: EndpointState
    /// As it is configured at present; nil once nobody asks any more.
    fileprivate(set) weak var service: ServiceBalancer?
    let tenant: String

    fileprivate init(_ endpoint: EndpointState, of service: ServiceBalancer) {
        self.endpoint = endpoint
        self.service = service
        tenant = service.cluster.compiled.tenant
    }
}

/// Which endpoints of one event loop are to be asked when.
///
/// An endpoint that comes to a service which is served already is asked at once, those that a service begins with within a
/// second; then one interval after the other, each a tenth shorter or longer at random. Questions under way are bounded, for
/// each tenant and in all: what is beyond waits, and its interval grows.
struct HealthSchedule {
    static let mostProbes = 1024
    static let mostOfTenant = 64
    /// Nanoseconds over which the first questions of a service are spread.
    private static let spread: UInt64 = 1_000_000_000

    private struct TenantProbes {
        var count = 0
        /// Whose turn came while there were as many as may be, in order.
        var waiting: [EndpointCheck] = []
    }

    private var queue = DueQueue<EndpointCheck>()
    private var tenants: [String: TenantProbes] = [:]
    /// Questions under way.
    private(set) var probeCount = 0

    /// When the next question is due; nil where none is, or as many are under way as may be.
    var next: UInt64? { probeCount < Self.mostProbes ? queue.next : nil }

    // MARK: - Who is asked

    /// The service's endpoints are asked by its rule from now on.
    ///
    /// - Parameter former: what it takes the place of.
    mutating func follow(
        _ service: ServiceBalancer, after former: ServiceBalancer?, now: UInt64, random: inout RandomSource
    ) {
        if let former {
            let staying = Set(service.endpoints.map(ObjectIdentifier.init))
            unfollow(former.endpoints.filter { !staying.contains(ObjectIdentifier($0)) })
        }
        guard let rule = service.cluster.healthRule else { return unfollow(service.endpoints) }
        let isSooner = former?.cluster.healthRule.map { rule.interval < $0.interval } ?? false
        for endpoint in service.endpoints where endpoint.address.numeric != nil {
            if let check = endpoint.check {
                check.service = service
                if isSooner, check.isQueued {
                    queue.schedule(check, at: min(check.due, now + rule.interval.jittered(&random)))
                }
            } else {
                let check = EndpointCheck(endpoint, of: service)
                endpoint.check = check
                let wait =
                    endpoint.health.isFit ? UInt64.random(in: 0..<min(Self.spread, rule.interval), using: &random) : 0
                queue.schedule(check, at: now + wait)
            }
        }
    }

    /// Nobody asks these any more, and what they have answered is forgotten.
    mutating func unfollow(_ endpoints: [EndpointState]) {
        for endpoint in endpoints {
            endpoint.health = HealthState()
            guard let check = endpoint.check else { continue }
            endpoint.check = nil
            check.service = nil
            queue.remove(check)
        }
    }

    // MARK: - Asking

    /// Questions to be asked now.
    mutating func takeDue(now: UInt64) -> [HealthProbe] {
        var probes: [HealthProbe] = []
        while probeCount < Self.mostProbes, let check = queue.takeDue(now: now) {
            guard let rule = check.service?.cluster.healthRule else { continue }
            guard tenants[check.tenant, default: TenantProbes()].count < Self.mostOfTenant else {
                tenants[check.tenant]?.waiting.append(check)
                continue
            }
            tenants[check.tenant, default: TenantProbes()].count += 1
            probeCount += 1
            probes.append(HealthProbe(of: check, by: rule, now: now))
        }
        return probes
    }

    /// A question has its outcome, or was given up. To be said once of each.
    mutating func ended(_ probe: HealthProbe, now: UInt64, random: inout RandomSource) {
        let check = probe.check
        probeCount -= 1
        if var own = tenants[check.tenant] {
            own.count -= 1
            let next = own.waiting.firstIndex { $0.service != nil }
            if let next { queue.schedule(own.waiting[next], at: now) }
            own.waiting.removeFirst(next.map { $0 + 1 } ?? own.waiting.count)
            tenants[check.tenant] = own.count == 0 && own.waiting.isEmpty ? nil : own
        }
        guard let rule = check.service?.cluster.healthRule else { return }
        queue.schedule(check, at: now + rule.interval.jittered(&random))
    }
}
