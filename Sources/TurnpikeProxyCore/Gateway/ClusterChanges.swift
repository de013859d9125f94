// SPDX-License-Identifier: Apache-2.0

/// What a configuration changes of the services of the one before, so that loops have no need to look at all of them.
struct ClusterChanges: Sendable {
    /// Nothing of before holds any more: `added` is all that there is.
    var replacesAll = false
    /// Those that are gone, and the former ones of those that have changed.
    var removed: [GatewayCluster] = []
    /// Those that are new or have changed.
    var added: [GatewayCluster] = []
}
