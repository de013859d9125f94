// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

extension RouteTable {
    /// Scopes of the map of hosts. Wildcards are kept from their dot on: `.acme.test`.
    static let exactHosts: UInt32 = 0
    static let wildcardHosts: UInt32 = 1

    /// The route of a request, by the order of precedence in ``RouteTable``.
    public func lookup(_ request: RequestFacts) -> Match {
        var choice = Choice(request.method)
        search(for: request, visitor: &choice)
        if let best = choice.best { return .route(candidates[best].index) }
        guard !choice.allowed.isEmpty, !choice.failedCondition else { return .notFound }
        var others: Set<String> = []
        if choice.allowed.contains(.others) {
            var everything = Everything()
            search(for: request, visitor: &everything)
            for place in everything.places { others.formUnion(otherMethods(at: place.terminal)) }
        }
        return .methodNotAllowed(AllowedMethods(known: choice.allowed, others: others.sorted()))
    }

    /// The names of methods without a bit of their own that routes take there.
    func otherMethods(at terminal: Int) -> [String] {
        candidates[terminals[terminal].candidates].flatMap { candidate in
            members[candidate.entry].prepared.entry.methods.filter { HTTPMethod($0) == .other }
        }
    }

    /// Visits every place that host and path fit, in order of precedence, leaving out what the visitor does not want.
    func search(for request: RequestFacts, visitor: inout some PlaceVisitor) {
        guard request.path.first == ASCII.slash else { return }
        let host = request.host
        if let bucket = hosts.find(host, scope: Self.exactHosts, foldingCase: true) {
            search(bucket: bucket, for: request, visitor: &visitor)
        }
        if hasWildcards, host.count <= HostValue.longestName {
            for dot in host.indices.dropFirst() where host[dot] == ASCII.dot {
                let suffix = host[ByteRange(dot, host.count)]
                if let bucket = hosts.find(suffix, scope: Self.wildcardHosts, foldingCase: true) {
                    search(bucket: bucket, for: request, visitor: &visitor)
                }
            }
        }
        if anyHost != 0 { search(bucket: anyHost, for: request, visitor: &visitor) }
    }

    private func search(bucket index: UInt32, for request: RequestFacts, visitor: inout some PlaceVisitor) {
        // By place, here as below: a copy would hold what it is made of.
        guard visitor.wants(buckets[Int(index)].maxPriority) else { return }
        if let terminal = exactPaths.find(request.path, scope: index) {
            visitor.visit(Int(terminal), of: request, in: self)
        }
        searchTemplates(buckets[Int(index)].templates, request, from: 1, visitor: &visitor)
        searchPrefixes(buckets[Int(index)].prefixes, request, from: 1, visitor: &visitor)
        if buckets[Int(index)].hasExpressions { searchExpressions(index, request, visitor: &visitor) }
    }

    /// By their order, out of a few groups that are in order themselves.
    func searchExpressions(_ bucket: UInt32, _ request: RequestFacts, visitor: inout some PlaceVisitor) {
        withUnsafeTemporaryAllocation(of: Range<Int>.self, capacity: PathStem.mostSegments + 1) { memory in
            let groups = UnsafeMutableBufferPointer(rebasing: memory[..<fillGroups(memory, of: bucket, request.path)])
            while let group = firstInOrder(of: groups) {
                let place = expressions[groups[group].lowerBound]
                groups[group] = groups[group].dropFirst()
                let terminal = Int(place.terminal)
                guard visitor.wants(terminals[terminal].maxPriority), place.expression.matches(request.path) else {
                    continue
                }
                visitor.visit(terminal, of: request, in: self)
            }
        }
    }

    /// Initialises as many as there are groups whose segments the path begins with. Ranges need no deinitialising.
    private func fillGroups(
        _ found: UnsafeMutableBufferPointer<Range<Int>>, of bucket: UInt32, _ path: UnsafeRawBufferPointer
    ) -> Int {
        var count = 0
        var end = 0
        for _ in found.indices {
            if let group = groups.find(path[ByteRange(0, end)], scope: bucket) {
                found.initializeElement(at: count, to: groupRanges[Int(group)])
                count += 1
            }
            guard end < path.count else { break }
            end = Self.segmentEnd(path, from: end + 1)
        }
        return count
    }

    /// The one whose next regex comes before those of the others; nil where none has any left.
    private func firstInOrder(of groups: UnsafeMutableBufferPointer<Range<Int>>) -> Int? {
        var first: (group: Int, order: Int)?
        for group in groups.indices where !groups[group].isEmpty {
            let order = expressions[groups[group].lowerBound].order
            if order < first?.order ?? .max { first = (group, order) }
        }
        return first?.group
    }

    /// - Parameter start: of the next segment; behind the end of the path when there is none.
    func searchTemplates(
        _ index: UInt32, _ request: RequestFacts, from start: Int, visitor: inout some PlaceVisitor
    ) {
        guard index != 0 else { return }
        let path = request.path
        let node = nodes[Int(index)]
        guard visitor.wants(node.maxPriority) else { return }
        guard start <= path.count else {
            if node.terminal != 0 { visitor.visit(Int(node.terminal), of: request, in: self) }
            return
        }
        let end = Self.segmentEnd(path, from: start)
        let segment = path[ByteRange(start, end)]
        if let child = edges.find(segment, scope: index) {
            searchTemplates(child, request, from: end + 1, visitor: &visitor)
        }
        // A parameter stands for something: the empty segment behind a last slash is literal only.
        guard !segment.isEmpty else { return }
        for affix in node.affixes where affixes[affix].fits(segment) {
            searchTemplates(affixes[affix].child, request, from: end + 1, visitor: &visitor)
        }
        if node.parameter != 0 {
            searchTemplates(node.parameter, request, from: end + 1, visitor: &visitor)
        }
        for tail in node.tails {
            let tail = tails[tail]
            if let rest = Self.start(ofLast: tail.segmentCount, path), rest > end {
                searchTemplates(tail.root, request, from: rest, visitor: &visitor)
            }
        }
    }

    /// The longest first: below a node before at it.
    func searchPrefixes(
        _ index: UInt32, _ request: RequestFacts, from start: Int, visitor: inout some PlaceVisitor
    ) {
        guard index != 0 else { return }
        let path = request.path
        let node = nodes[Int(index)]
        guard visitor.wants(node.maxPriority) else { return }
        if start <= path.count {
            let end = Self.segmentEnd(path, from: start)
            if let child = edges.find(path[ByteRange(start, end)], scope: index) {
                searchPrefixes(child, request, from: end + 1, visitor: &visitor)
            }
            if node.below != 0 { visitor.visit(Int(node.below), of: request, in: self) }
        }
        if node.terminal != 0 { visitor.visit(Int(node.terminal), of: request, in: self) }
    }

    static func segmentEnd(_ path: UnsafeRawBufferPointer, from start: Int) -> Int {
        var end = start
        while end < path.count, path[end] != ASCII.slash { end += 1 }
        return end
    }

    /// Where the last segments begin; nil if there are fewer.
    private static func start(ofLast segmentCount: Int, _ path: UnsafeRawBufferPointer) -> Int? {
        var start = path.count + 1
        for _ in 0..<segmentCount {
            start -= 1
            guard start > 0 else { return nil }
            while start > 0, path[start - 1] != ASCII.slash { start -= 1 }
        }
        return start
    }
}

/// What a search does with the places it comes to.
protocol PlaceVisitor {
    /// Whether places with no priority above this one matter still.
    func wants(_ maxPriority: Int) -> Bool
    mutating func visit(_ terminal: Int, of request: RequestFacts, in table: RouteTable)
}

/// Keeps the first of the highest priority: places come in order of precedence, so a later one wins by priority only.
struct Choice: PlaceVisitor {
    private let wanted: WantedMethod
    private var bestPriority = Int.min
    /// Position in `candidates` of the table.
    private(set) var best: Int?
    /// Of the table, where there are several.
    private(set) var tableNumber = 0
    /// Methods of the places that fit but do not take this one.
    private(set) var allowed: MethodSet = []
    /// A route takes host, path and method, and its conditions do not hold.
    private(set) var failedCondition = false

    init(_ method: UnsafeRawBufferPointer) { wanted = WantedMethod(method) }

    func wants(_ maxPriority: Int) -> Bool { best == nil || maxPriority > bestPriority }

    mutating func visit(_ index: Int, of request: RequestFacts, in table: RouteTable) {
        let terminal = table.terminals[index]
        guard wants(terminal.maxPriority) else { return }
        guard let chosen = choose(from: terminal, for: request, in: table) else {
            allowed.formUnion(terminal.methods)
            return
        }
        guard wants(table.candidates[chosen].priority) else { return }
        best = chosen
        tableNumber = table.number
        bestPriority = table.candidates[chosen].priority
    }

    private mutating func choose(from terminal: Terminal, for request: RequestFacts, in table: RouteTable) -> Int? {
        guard !terminal.methods.isDisjoint(with: wanted.method.union(wanted.substitute)) else { return nil }
        let live = terminal.candidates.prefix(terminal.liveCount)
        let wanted = wanted
        let own = first(of: live, for: request, in: table) { wanted.isTaken(by: $0, in: table) }
        guard !wanted.substitute.isEmpty,
            let other = first(of: live, for: request, in: table, where: { $0.methods.contains(wanted.substitute) })
        else { return own }
        guard let own else { return other }
        return table.candidates[own].rank >= table.candidates[other].rank ? own : other
    }

    /// The first that can still win and whose conditions hold.
    private mutating func first(
        of positions: Range<Int>, for request: RequestFacts, in table: RouteTable,
        where takesMethod: (RouteCandidate) -> Bool
    ) -> Int? {
        for position in positions {
            let candidate = table.candidates[position]
            guard wants(candidate.priority) else { return nil }
            guard takesMethod(candidate) else { continue }
            if candidate.conditionCount == 0 || table.members[candidate.entry].prepared.holds(for: request) {
                return position
            }
            failedCondition = true
        }
        return nil
    }
}

extension RouteCandidate {
    /// What counts before the method.
    fileprivate var rank: (Int, Int) { (priority, conditionCount) }
}

/// Wants all places and keeps them in order.
struct Everything: PlaceVisitor {
    /// Terminals, by the number of their table.
    private(set) var places: [(table: Int, terminal: Int)] = []

    func wants(_ maxPriority: Int) -> Bool { true }

    mutating func visit(_ terminal: Int, of request: RequestFacts, in table: RouteTable) {
        places.append((table.number, terminal))
    }
}
