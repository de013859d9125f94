// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Which of a service's endpoints are in the gateway's own zone, and how many of its requests stay there: all, as long as
/// enough of them are healthy; else a part that shrinks with what is healthy, so that the few are not given what was meant for
/// many.
///
/// Weighed with the first request after the endpoints' health has changed, not with each.
struct ZonePreference: Sendable {
    /// Of so many requests, a share of this many is all.
    static let whole: UInt64 = 10_000

    let own: EndpointSet
    let others: EndpointSet
    private let minHealthyPercent: Int
    /// How many of ``whole`` requests stay in the zone.
    private(set) var share = whole
    /// Nanoseconds. When the share may be another, though nobody was asked how he is; 0 while it is not weighed.
    private(set) var nextChange: UInt64 = 0

    /// - Returns: nil where there is nothing to prefer: all endpoints that get requests are in this zone, or none is.
    init?(_ members: ServiceMembers, in zone: String?, by awareness: LoadBalancing.LocalityAwareness?) {
        guard let zone, let awareness else { return nil }
        var (own, others) = (EndpointSet(), EndpointSet())
        for place in members.weights.indices where members.weights[place] > 0 {
            if members.zones[place] == zone { own.insert(place) } else { others.insert(place) }
        }
        guard !own.isEmpty, !others.isEmpty else { return nil }
        self.own = own
        self.others = others
        minHealthyPercent = awareness.minHealthyPercent
    }

    /// The endpoints' health is not what it was: the share is to be weighed before it is used again.
    mutating func healthChanged() { nextChange = 0 }

    /// Sets the share by the endpoints' health.
    ///
    /// - Parameter outUntil: of an endpoint: until when it is out; 0 for one that is not, `.max` for one of which nobody knows.
    mutating func weigh(_ weights: [Int], now: UInt64, outUntil: (Int) -> UInt64) {
        var (healthy, all) = (0, 0)
        nextChange = .max
        for place in weights.indices where own.contains(place) {
            all += weights[place]
            let until = outUntil(place)
            if until <= now { healthy += weights[place] } else { nextChange = min(nextChange, until) }
        }
        let (reached, wanted) = (UInt64(healthy * 100), UInt64(all * minHealthyPercent))
        share = reached >= wanted ? Self.whole : Self.whole * reached / wanted
    }

    /// The endpoints that come first for a request.
    ///
    /// - Parameter draw: a number of the request's, evenly spread over all; asked for only where it matters.
    func preferred(_ draw: () -> UInt64) -> EndpointSet {
        if share == Self.whole { return own }
        return share > 0 && draw() % Self.whole < share ? own : others
    }

    /// The endpoints that come first for the last try of a request whose tries before could not reach anybody: those on the
    /// side where none of these was, lest all are spent on one that is cut off. Nil where there were some on both.
    func untouched(by tried: EndpointSet) -> EndpointSet? {
        if own.isDisjoint(with: tried) { return own }
        return others.isDisjoint(with: tried) ? others : nil
    }
}
