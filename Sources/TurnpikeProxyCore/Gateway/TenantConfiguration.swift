// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// One tenant's part of a configuration: made anew as a whole when something of the tenant changes, but for its keys.
/// Immutable; versions of a configuration share it.
final class TenantConfiguration: Sendable {
    /// In the order of their ids, so that of routes which nothing else tells apart the oldest wins.
    let routes: [GatewayRoute]
    let table: RouteTable
    /// By name.
    let clusters: [String: GatewayCluster]
    /// All that routes of the tenant match, as they write it.
    let hosts: Set<String>
    /// Of its rate limits, by their ids.
    let rates: [ResourceID: GCRA]

    init(
        routes: [GatewayRoute], table: RouteTable, clusters: [String: GatewayCluster], hosts: Set<String>,
        rates: [ResourceID: GCRA]
    ) {
        self.routes = routes
        self.table = table
        self.clusters = clusters
        self.hosts = hosts
        self.rates = rates
    }
}
