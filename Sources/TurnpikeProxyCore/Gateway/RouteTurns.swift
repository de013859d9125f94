// SPDX-License-Identifier: Apache-2.0

import TurnpikeSnapshot

/// Whose turn it is among the backends of a route, from one version of the route to the next, as long as they lead to the same
/// services by the same weights: where a canary gets one request in a hundred, changes of anything else do not begin anew to count.
struct RouteTurns {
    /// The version that was asked for last.
    private(set) var route: GatewayRoute
    private var turns: WeightedRoundRobin

    init(of route: GatewayRoute) {
        self.route = route
        turns = WeightedRoundRobin(weights: route.backends.map(\.weight))
    }

    /// The place of the backend whose turn it is; nil where none is available.
    mutating func next(of route: GatewayRoute, where isAvailable: (Int) -> Bool) -> Int? {
        if route !== self.route {
            if route.compiled.backends == self.route.compiled.backends {
                self.route = route
            } else {
                self = Self(of: route)
            }
        }
        return turns.next(where: isAvailable)
    }
}
