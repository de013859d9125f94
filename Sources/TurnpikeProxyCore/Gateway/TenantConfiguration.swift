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
    /// Of the limits, what a request needs: by itself, since to look into a value within another one means to hold all that is in it.
    private let groupLimits: PiecedArray<RouteLimits?>
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
        groupLimits = limits.groupLimits
        self.hosts = hosts
    }

    /// What the requests of one of its routes are held to; nil where that is nothing.
    @inline(__always)
    func limits(of route: GatewayRoute) -> RouteLimits? { groupLimits[route.group] }

    var isEmpty: Bool { routes.isEmpty && clusters.isEmpty && limits.isEmpty }
}
