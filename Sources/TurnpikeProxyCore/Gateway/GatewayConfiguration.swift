// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel
public import TurnpikeSnapshot

/// Everything that a gateway decides by, made from a snapshot as a whole or not at all. Immutable: loops share it, and
/// requests in flight keep the one that they began with.
public final class GatewayConfiguration: Sendable {
    /// Why a snapshot cannot be served: each resource at fault, and what is wrong with it.
    public struct Rejection: Error, Sendable, Hashable {
        public var reasons: [Acknowledgement.Reason]

        public init(reasons: [Acknowledgement.Reason]) { self.reasons = reasons }
    }

    /// Reasons that a rejection names at most.
    public static let mostReasons = 100

    public let revision: Revision
    /// In the order of their ids, so that of routes which nothing else tells apart the oldest wins.
    public let routes: [GatewayRoute]
    let table: RouteTable
    let keys: KeyTable
    let clusters: [GatewayCluster]
    /// Every endpoint of every cluster.
    let addresses: Set<EndpointAddress>

    public var keyCount: Int { keys.count }

    /// - Parameter hashSeed: of the tables that are looked up by what clients send; random, so that nobody can choose
    ///   hosts and paths that collide.
    public init(
        _ snapshot: Snapshot, hashSeed: UInt64 = .random(in: .min ... .max)
    ) throws(Rejection) {
        var compilation = Compilation(snapshot)
        clusters = compilation.clusters
        routes = compilation.compileRoutes()
        keys = compilation.compileKeys()
        let entries = compilation.entries
        guard compilation.reasons.isEmpty else { throw Rejection(reasons: compilation.reasons) }
        do {
            table = try RouteTable(entries, hashSeed: hashSeed)
        } catch {
            throw Rejection(reasons: compilation.reasonsOfPatterns(hashSeed: hashSeed))
        }
        revision = snapshot.revision
        addresses = Set(clusters.flatMap(\.addresses))
    }
}
