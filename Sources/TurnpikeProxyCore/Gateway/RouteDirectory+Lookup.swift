// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

extension RouteDirectory {
    /// As ``RouteTable/Match`` says it of entries.
    enum Match {
        case route(GatewayRoute)
        case methodNotAllowed(AllowedMethods)
        case notFound
    }

    /// The route of a request.
    func lookup(_ request: RequestFacts) -> Match {
        guard shards.count == 1 else { return lookupInShards(request) }
        switch shards[0].table.lookup(request) {
        case .route(let index): return .route(shards[0].routes[index])
        case .methodNotAllowed(let allowed): return .methodNotAllowed(allowed)
        case .notFound: return .notFound
        }
    }

    private func lookupInShards(_ request: RequestFacts) -> Match {
        var choice = Choice(request.method)
        search(for: request, visitor: &choice)
        if let best = choice.best {
            let shard = shards[choice.tableNumber]
            return .route(shard.routes[shard.table.candidates[best].index])
        }
        guard !choice.allowed.isEmpty, !choice.failedCondition else { return .notFound }
        var others: Set<String> = []
        if choice.allowed.contains(.others) {
            var everything = Everything()
            search(for: request, visitor: &everything)
            for place in everything.places {
                others.formUnion(shards[place.table].table.otherMethods(at: place.terminal))
            }
        }
        return .methodNotAllowed(AllowedMethods(known: choice.allowed, others: others.sorted()))
    }

    /// How all routes fare against a request, in the order of ``RouteTable/explain(_:)``.
    func explain(_ request: RequestFacts) -> [(route: GatewayRoute, verdict: RouteTable.Candidate.Verdict)] {
        var numbers: [ObjectIdentifier: Int] = [:]
        var routes: [GatewayRoute] = []
        for route in shards.values.flatMap(\.routes)
        where numbers.updateValue(0, forKey: ObjectIdentifier(route)) == nil {
            routes.append(route)
        }
        routes.sort { $0.id < $1.id }
        for (number, route) in routes.enumerated() { numbers[ObjectIdentifier(route)] = number }

        var standings = RouteStandings(of: routes.map(\.prepared), against: request)
        var everything = Everything()
        search(for: request, visitor: &everything)
        for place in everything.places {
            let shard = shards[place.table]
            for candidate in shard.table.candidates[shard.table.terminals[place.terminal].candidates] {
                guard let number = numbers[ObjectIdentifier(shard.routes[candidate.index])] else { continue }
                standings.note(candidate, of: shard.table, as: number)
            }
        }
        if case .route(let best) = lookup(request), let number = numbers[ObjectIdentifier(best)] {
            standings.select(number)
        }
        return standings.ordered.map { (routes[$0.number], $0.verdict) }
    }

    // MARK: - Search

    /// Visits every place that host and path fit, in order of precedence, leaving out what the visitor does not want.
    private func search(for request: RequestFacts, visitor: inout some PlaceVisitor) {
        guard shards.count > 1 else {
            return shards.count == 0 ? () : shards[0].table.search(for: request, visitor: &visitor)
        }
        guard request.path.first == ASCII.slash else { return }
        withUnsafeTemporaryAllocation(of: Stem.self, capacity: PathStem.mostSegments + 1) { memory in
            let stems = UnsafeMutableBufferPointer(rebasing: memory[..<findStems(memory, of: request.path)])
            let host = request.host
            search(stems, host, scope: RouteTable.exactHosts, depthBits.hosts, for: request, visitor: &visitor)
            guard depthBits.wildcards != 0, host.count <= HostValue.longestName else { return }
            for dot in host.indices.dropFirst() where host[dot] == ASCII.dot {
                search(
                    stems, host[ByteRange(dot, host.count)], scope: RouteTable.wildcardHosts, depthBits.wildcards,
                    for: request, visitor: &visitor)
            }
        }
    }

    /// The segments that a path begins with, as many as there are stems of.
    private struct Stem {
        /// The one of its depth.
        let bit: UInt16
        let end: Int
        let hash: UInt64
    }

    /// Initialises as many as there are, the shortest first. They need no deinitialising.
    private func findStems(
        _ memory: UnsafeMutableBufferPointer<Stem>, of path: UnsafeRawBufferPointer
    ) -> Int {
        let bits = depthBits.hosts | depthBits.wildcards
        var (count, end) = (0, 0)
        var bit: UInt16 = 1
        while true {
            if bits & bit != 0 {
                let stem = Stem(bit: bit, end: end, hash: hash.stem(path[ByteRange(0, end)]))
                memory.initializeElement(at: count, to: stem)
                count += 1
            }
            bit <<= 1
            guard bits >= bit, end < path.count else { return count }
            end = RouteTable.segmentEnd(path, from: end + 1)
        }
    }

    /// A place of the request at which there are routes.
    private struct Found {
        /// Of the shard.
        let shard: Int
        let bucket: UInt32
        /// Where the stem ends.
        let end: Int
        /// Regexes that are still to be tried.
        var expressions: Range<Int>
    }

    /// - Parameter bits: the depths that are worth looking at.
    private func search(
        _ stems: UnsafeMutableBufferPointer<Stem>, _ host: UnsafeRawBufferPointer, scope: UInt32, _ bits: UInt16,
        for request: RequestFacts, visitor: inout some PlaceVisitor
    ) {
        withUnsafeTemporaryAllocation(of: Found.self, capacity: PathStem.mostSegments + 1) { memory in
            let count = find(memory, stems, bits, host, scope, request.path, visitor)
            let found = UnsafeMutableBufferPointer(rebasing: memory[..<count])
            if let deepest = found.first { searchExact(deepest, request, &visitor) }
            for place in found {
                let table = shards[place.shard].table
                let bucket = table.buckets[Int(place.bucket)]
                table.searchTemplates(bucket.templates, request, from: place.end + 1, visitor: &visitor)
            }
            for place in found {
                let table = shards[place.shard].table
                let bucket = table.buckets[Int(place.bucket)]
                table.searchPrefixes(bucket.prefixes, request, from: place.end + 1, visitor: &visitor)
            }
            searchExpressions(found, request, &visitor)
        }
    }

    /// Initialises as many as there are, the deepest first. They need no deinitialising.
    private func find(
        _ memory: UnsafeMutableBufferPointer<Found>, _ stems: UnsafeMutableBufferPointer<Stem>, _ bits: UInt16,
        _ host: UnsafeRawBufferPointer, _ scope: UInt32, _ path: UnsafeRawBufferPointer, _ visitor: some PlaceVisitor
    ) -> Int {
        let hostHash = hash.host(host, scope: scope)
        var count = 0
        for place in stems.indices.reversed() where stems[place].bit & bits != 0 {
            let stem = path[ByteRange(0, stems[place].end)]
            let number = hash.place(host: hostHash, stem: stems[place].hash, among: shards.count)
            let table = shards[number].table
            guard let bucket = table.bucket(host, hostHash, scope, stem: stem),
                visitor.wants(table.buckets[Int(bucket)].maxPriority)
            else { continue }
            let expressions = table.expressions(bucket, stem)
            memory.initializeElement(
                at: count, to: Found(shard: number, bucket: bucket, end: stems[place].end, expressions: expressions))
            count += 1
        }
        return count
    }

    private func searchExact(_ place: Found, _ request: RequestFacts, _ visitor: inout some PlaceVisitor) {
        let table = shards[place.shard].table
        guard let terminal = table.exactPaths.find(request.path, scope: place.bucket) else { return }
        visitor.visit(Int(terminal), of: request, in: table)
    }

    /// Those of all places, by their order.
    private func searchExpressions(
        _ found: UnsafeMutableBufferPointer<Found>, _ request: RequestFacts, _ visitor: inout some PlaceVisitor
    ) {
        while let place = firstInOrder(of: found) {
            let table = shards[found[place].shard].table
            let expression = table.expressions[found[place].expressions.lowerBound]
            found[place].expressions = found[place].expressions.dropFirst()
            let terminal = Int(expression.terminal)
            guard visitor.wants(table.terminals[terminal].maxPriority), expression.expression.matches(request.path)
            else { continue }
            visitor.visit(terminal, of: request, in: table)
        }
    }

    /// The place whose next regex comes before those of the others; nil where none has any left.
    private func firstInOrder(of found: UnsafeMutableBufferPointer<Found>) -> Int? {
        var first: (place: Int, rank: (Int, ResourceID))?
        for place in found.indices where !found[place].expressions.isEmpty {
            let shard = shards[found[place].shard]
            let terminal = shard.table.expressions[found[place].expressions.lowerBound].terminal
            let candidate = shard.table.candidates[shard.table.terminals[Int(terminal)].candidates.lowerBound]
            let rank = (-candidate.conditionCount, shard.routes[candidate.index].id)
            if first.map({ rank < $0.rank }) ?? true { first = (place, rank) }
        }
        return first?.place
    }
}

extension RouteTable {
    /// The bucket of a place; nil where there is none. Only of shares.
    @inline(__always)
    fileprivate func bucket(
        _ host: UnsafeRawBufferPointer, _ hash: UInt64, _ scope: UInt32, stem: UnsafeRawBufferPointer
    ) -> UInt32? {
        guard let number = hosts.find(host, hash: hash, scope: scope, foldingCase: true) else { return nil }
        return stems.find(stem, scope: number)
    }

    /// The regexes of a place.
    @inline(__always)
    fileprivate func expressions(_ bucket: UInt32, _ stem: UnsafeRawBufferPointer) -> Range<Int> {
        guard buckets[Int(bucket)].hasExpressions, let group = groups.find(stem, scope: bucket) else { return 0..<0 }
        return groupRanges[Int(group)]
    }
}
