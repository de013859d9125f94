// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// How a gateway spreads the requests of a service over zones while all endpoints are healthy.
public struct ZoneSpread: Sendable, Hashable {
    public struct Share: Sendable, Hashable {
        /// Nil for endpoints of which nobody said where they run.
        public let zone: String?
        /// Endpoints that get requests there, as the service names them.
        public let endpoints: Int
        /// Of the service's requests, in percent.
        public let percent: Double
    }

    /// The gateway's zone, where its endpoints come first; nil where all endpoints are alike.
    public let preferred: String?
    /// Of the preferred zone's endpoints, by weight, how many have to be healthy for this to hold, in percent.
    public let minHealthyPercent: Int
    /// The preferred zone first, then by name, and last those of no zone.
    public let shares: [Share]
}

extension GatewayCluster {
    /// What becomes of requests at a gateway in a zone; nil where the service does not mind zones.
    func zoneSpread(in zone: String?) -> ZoneSpread? {
        guard let localityAwareness else { return nil }
        let preference = ZonePreference(members, in: zone, by: localityAwareness)
        var zones: [String?: (endpoints: Int, weight: Int)] = [:]
        var total = 0
        for place in members.weights.indices where members.weights[place] > 0 {
            let weight = preference?.own.contains(place) ?? true ? members.weights[place] : 0
            zones[members.zones[place], default: (0, 0)].endpoints += 1
            zones[members.zones[place], default: (0, 0)].weight += weight
            total += weight
        }
        let preferred = preference == nil ? nil : zone
        let order = { (zone: String?) in (zone == preferred && preferred != nil ? 0 : zone == nil ? 2 : 1, zone ?? "") }
        return ZoneSpread(
            preferred: preferred, minHealthyPercent: localityAwareness.minHealthyPercent,
            shares: zones.sorted { order($0.key) < order($1.key) }.map { zone, share in
                .init(
                    zone: zone, endpoints: share.endpoints,
                    percent: (Double(share.weight) * 10_000 / Double(total)).rounded() / 100)
            })
    }
}
