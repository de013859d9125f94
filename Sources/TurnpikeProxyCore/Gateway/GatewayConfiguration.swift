// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel
public import TurnpikeSnapshot

/// Everything that a gateway decides by, as of one revision. Immutable: loops share it, and requests in flight keep the one
/// that they began with. ``GatewayState`` makes one version after the other; they share what did not change.
public final class GatewayConfiguration: Sendable {
    /// Why a change cannot be served: each resource at fault, and what is wrong with it.
    public struct Rejection: Error, Sendable, Hashable {
        public var reasons: [Acknowledgement.Reason]

        public init(reasons: [Acknowledgement.Reason]) { self.reasons = reasons }
    }

    /// Reasons that a rejection names at most.
    public static let mostReasons = 100

    public let revision: Revision
    let hosts: HostDirectory
    /// By slot; `nil` where a tenant was.
    let tenants: PiecedArray<TenantConfiguration?>
    let keys: KeyTable
    /// What the version before had other services of.
    let changes: ClusterChanges

    public var keyCount: Int { keys.count }

    init(
        revision: Revision, hosts: HostDirectory, tenants: PiecedArray<TenantConfiguration?>, keys: KeyTable,
        changes: ClusterChanges
    ) {
        self.revision = revision
        self.hosts = hosts
        self.tenants = tenants
        self.keys = keys
        self.changes = changes
    }

    /// A configuration of a whole snapshot, with none before it.
    ///
    /// - Throws: why it cannot be served.
    public convenience init(_ snapshot: Snapshot) throws(Rejection) {
        var state = GatewayState()
        let made = try state.apply(
            Delta(
                revision: snapshot.revision, isSnapshot: true, set: Array(snapshot.resources.values), removed: []))
        self.init(
            revision: made.revision, hosts: made.hosts, tenants: made.tenants, keys: made.keys, changes: made.changes)
    }

    /// The tenant that a host belongs to.
    func tenant(of host: UnsafeRawBufferPointer) -> TenantConfiguration? {
        hosts.owner(of: host).flatMap { tenants[$0] }
    }

    /// Whether there is such a route, be it in another version.
    func serves(_ route: GatewayRoute) -> Bool {
        guard var host = route.entry.hosts.first else { return false }
        return host.withUTF8 { tenant(of: UnsafeRawBufferPointer($0)) }?.routes[route.name]?.id == route.id
    }
}
