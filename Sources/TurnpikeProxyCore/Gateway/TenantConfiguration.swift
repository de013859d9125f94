// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// One tenant's part of a configuration, but for its keys. Immutable; versions of a configuration share it, and versions of it
/// share what did not change.
final class TenantConfiguration: Sendable {
    /// By which requests find their route.
    let directory: RouteDirectory
    /// By name.
    let routes: ShardedMap<String, GatewayRoute>
    /// By name.
    let clusters: ShardedMap<String, GatewayCluster>
    let limits: TenantLimits
    /// How many routes of the tenant match each host, as they write it.
    let hosts: ShardedMap<String, Int>

    init(
        directory: RouteDirectory, routes: ShardedMap<String, GatewayRoute>,
        clusters: ShardedMap<String, GatewayCluster>, limits: TenantLimits, hosts: ShardedMap<String, Int>
    ) {
        self.directory = directory
        self.routes = routes
        self.clusters = clusters
        self.limits = limits
        self.hosts = hosts
    }

    var isEmpty: Bool { routes.isEmpty && clusters.isEmpty && limits.isEmpty }
}
