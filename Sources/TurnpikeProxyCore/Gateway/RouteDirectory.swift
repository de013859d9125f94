// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Finds the route of a request among those of a tenant, by the order of precedence in ``RouteTable``.
///
/// Few routes lie in one table. Many lie in several, each of which holds those at some places: a place is a host and the literal
/// segments that a path begins with. So a change makes anew only the tables that the places of its routes lie in. A request
/// looks for each of its own places, as deep as there are any: at `/v1/orders/7` for routes below `/v1/orders/7`, below
/// `/v1/orders`, below `/v1`, and for such as begin with a parameter. The deepest comes first by the order of precedence, within
/// each kind of path. Routes that begin with the same parameter and no literal segment lie together, however many there are.
///
/// How many tables there are follows how many places there are, by powers of two; only when that changes, all are made anew.
/// A value: copies share the tables that a change leaves alone.
struct RouteDirectory: Sendable {
    /// A table and the routes that it finds, in the order of their ids, so that of routes which nothing else tells apart the oldest
    /// wins.
    final class Shard: Sendable {
        let table: RouteTable
        let routes: [GatewayRoute]

        init(_ routes: [GatewayRoute], table: RouteTable) {
            self.routes = routes
            self.table = table
        }

        convenience init(_ routes: [GatewayRoute], hashSeed: UInt64, share: RouteShare?) throws(RouteTable.Fault) {
            let members = routes.enumerated().map { RouteTable.Member(prepared: $1.prepared, index: $0) }
            self.init(routes, table: try RouteTable(members, hashSeed: hashSeed, share: share))
        }
    }

    /// A route that takes the place of another, is new, or is gone.
    struct Change {
        var former: GatewayRoute?
        var now: GatewayRoute?

        /// Whether tables stay as they are.
        var isSwap: Bool {
            guard let former, let now else { return false }
            return now.matches(as: former)
        }
    }

    /// A route that cannot be matched.
    struct Fault {
        let route: GatewayRoute
        let fault: RouteTable.Fault
    }

    /// Places in one table, before there is another.
    static let mostUnshared = 256
    private static let perShard = 4

    private(set) var shards = PiecedArray<Shard>()
    let hash: PlaceHash
    private let hashSeed: UInt64
    private let fixedCount: Int?
    private var placeCount = 0
    /// Counted only where there are several tables.
    private var depths = PlaceDepths()
    /// A bit for each depth at which there are places of hosts, and of wildcards.
    private(set) var depthBits: (hosts: UInt16, wildcards: UInt16) = (0, 0)

    /// - Parameter shardCount: a power of two. Default: as many as are needed.
    init(hashSeed: UInt64, shardCount: Int? = nil) {
        self.hashSeed = hashSeed
        hash = PlaceHash(seed: hashSeed)
        fixedCount = shardCount
    }

    /// Takes changes over.
    ///
    /// - Parameter routes: all that there are then.
    /// - Returns: what is wrong with the new routes. Where anything is, this value is of no use any more.
    mutating func take(_ changes: [Change], routes: some Sequence<GatewayRoute>) -> [Fault] {
        placeCount += changes.reduce(0) { $0 + ($1.now?.placeCount ?? 0) - ($1.former?.placeCount ?? 0) }
        let count = fixedCount ?? Self.shardCount(for: placeCount, now: shards.count)
        guard count == shards.count else { return remake(routes, count: count) }
        swap(changes.filter(\.isSwap))
        return move(changes.filter { !$0.isSwap })
    }

    /// Puts routes in the place of others that match the same.
    private mutating func swap(_ changes: [Change]) {
        var successors: [ObjectIdentifier: GatewayRoute] = [:]
        for case (let former?, let now?) in changes.lazy.map({ ($0.former, $0.now) }) {
            successors[ObjectIdentifier(former)] = now
        }
        // Of many, finding out where they lie takes longer than looking everywhere.
        let isMany = changes.count >= shards.count
        let numbers = isMany ? Set(shards.indices) : Set(changes.flatMap { $0.former.map(numbers(of:)) ?? [] })
        for number in numbers {
            let routes = shards[number].routes.map { successors[ObjectIdentifier($0)] ?? $0 }
            shards[number] = Shard(routes, table: shards[number].table)
        }
    }

    /// A route that comes into a table, or leaves it.
    private struct Move {
        let table: Int
        let route: GatewayRoute
        let isArrival: Bool
    }

    /// Makes the tables anew that routes come into, or leave.
    private mutating func move(_ changes: [Change]) -> [Fault] {
        var moves: [Move] = []
        moves.reserveCapacity(2 * changes.count)
        for change in changes {
            if let former = change.former {
                moves += count(former, -1, among: shards.count).map { Move(table: $0, route: former, isArrival: false) }
            }
            if let now = change.now {
                moves += count(now, 1, among: shards.count).map { Move(table: $0, route: now, isArrival: true) }
            }
        }
        noteDepths()
        moves.sort { $0.table < $1.table }
        var faults: [Fault] = []
        var rest = moves[...]
        while let number = rest.first?.table {
            let own = rest.prefix { $0.table == number }
            rest = rest[own.endIndex...]
            let gone = Set(own.lazy.filter { !$0.isArrival }.map { ObjectIdentifier($0.route) })
            let new = own.filter(\.isArrival).map(\.route)
            guard let made = shard(number, of: shards.count, shards[number].routes, without: gone, new, &faults) else {
                continue
            }
            shards[number] = made
        }
        return faults
    }

    /// Makes all tables anew.
    private mutating func remake(_ routes: some Sequence<GatewayRoute>, count number: Int) -> [Fault] {
        // These can be matched, each by itself.
        let known = Set(shards.values.lazy.flatMap { $0.routes.lazy.map(ObjectIdentifier.init) })
        depths = PlaceDepths()
        var parts: [(known: [GatewayRoute], new: [GatewayRoute])] = Array(repeating: ([], []), count: number)
        for route in routes {
            for place in count(route, 1, among: number) {
                if known.contains(ObjectIdentifier(route)) {
                    parts[place].known.append(route)
                } else {
                    parts[place].new.append(route)
                }
            }
        }
        noteDepths()
        var faults: [Fault] = []
        shards = PiecedArray()
        for place in parts.indices {
            let known = parts[place].known.sorted { $0.id < $1.id }
            if let made = shard(place, of: number, known, parts[place].new, &faults) { shards.append(made) }
        }
        return faults
    }

    /// - Returns: nil where there are faults.
    private func shard(
        _ number: Int, of count: Int, _ known: [GatewayRoute], without gone: Set<ObjectIdentifier> = [],
        _ new: [GatewayRoute], _ faults: inout [Fault]
    ) -> Shard? {
        let routes = Self.merged(known, without: gone, new)
        let share = count > 1 ? RouteShare(number: number, count: count, hash: hash) : nil
        do {
            return try Shard(routes, hashSeed: hashSeed, share: share)
        } catch {
            // Each by itself, so that all that are wrong are named.
            let own = new.compactMap { route in
                do throws(RouteTable.Fault) {
                    _ = try RouteTable([.init(prepared: route.prepared, index: 0)], hashSeed: hashSeed, share: nil)
                    return nil as Fault?
                } catch {
                    return Fault(route: route, fault: error)
                }
            }
            // Where nothing is wrong with any, there is more of something than one table can hold.
            faults += own.isEmpty ? [Fault(route: routes[error.index], fault: error)] : own
            return nil
        }
    }

    /// In the order of their ids, in which the known ones are already.
    private static func merged(
        _ known: [GatewayRoute], without gone: Set<ObjectIdentifier>, _ new: [GatewayRoute]
    ) -> [GatewayRoute] {
        let new = new.count > 1 ? new.sorted { $0.id < $1.id } : new
        var routes: [GatewayRoute] = []
        routes.reserveCapacity(known.count + new.count)
        var next = 0
        for route in known where gone.isEmpty || !gone.contains(ObjectIdentifier(route)) {
            while next < new.count, new[next].id < route.id {
                routes.append(new[next])
                next += 1
            }
            routes.append(route)
        }
        routes += new[next...]
        return routes
    }

    /// The numbers of the tables that a route lies in.
    private func numbers(of route: GatewayRoute) -> [Int] {
        guard shards.count > 1 else { return [0] }
        var numbers: [Int] = []
        route.prepared.forEachPlace(by: hash, among: shards.count) { _, _, number in numbers.append(number) }
        return numbers.count > 1 ? Array(Set(numbers)) : numbers
    }

    /// Counts the places of a route.
    ///
    /// - Returns: the numbers of the tables that it lies in.
    private mutating func count(_ route: GatewayRoute, _ sign: Int, among count: Int) -> [Int] {
        guard count > 1 else { return [0] }
        var numbers: [Int] = []
        route.prepared.forEachPlace(by: hash, among: count) { host, stem, number in
            depths.count(sign, at: stem.depth, scope: host.scope)
            numbers.append(number)
        }
        return numbers.count > 1 ? Array(Set(numbers)) : numbers
    }

    private mutating func noteDepths() {
        depthBits = (depths.bits(scope: RouteTable.exactHosts), depths.bits(scope: RouteTable.wildcardHosts))
    }

    /// Between the number from which on there are more, and that below which there are less, lies an eightfold: routes that come
    /// and go by turns remake nothing.
    static func shardCount(for places: Int, now: Int) -> Int {
        guard places > mostUnshared else { return now <= 1 || places < now * perShard / 4 ? 1 : now }
        if now > 1, (now * perShard / 4...now * perShard * 2).contains(places) { return now }
        let wanted = places / perShard
        return 1 << (Int.bitWidth - 1 - wanted.leadingZeroBitCount)
    }
}

extension GatewayRoute {
    fileprivate var placeCount: Int { entry.hosts.count * entry.paths.count }
}
