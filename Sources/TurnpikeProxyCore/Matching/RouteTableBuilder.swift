// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Takes entries one by one and lays out the storage of a ``RouteTable``.
struct RouteTableBuilder {
    /// Different texts around parameters at one place; they are tried one by one.
    static let mostAffixes = 64

    private struct Node {
        var node: TrieNode
        var affixes: [Affix] = []
        var tails: [GreedyTail] = []
    }

    /// What an entry brings to every place it is put at.
    private struct Newcomer {
        let candidate: RouteCandidate
        var priority: Int { candidate.priority }
    }

    private(set) var hosts: ByteMap
    private(set) var hasWildcards = false
    private(set) var anyHost: UInt32 = 0
    private(set) var buckets = [RouteBucket(templates: 0, prefixes: 0, maxPriority: .min)]
    /// Of a share: by number of the host and stem.
    private(set) var stems: ByteMap
    private(set) var exactPaths: ByteMap
    private(set) var edges: ByteMap
    /// By bucket and literal segments of regexes.
    private(set) var groups: ByteMap
    private(set) var programs: [ConditionProgram] = []
    private let share: RouteShare?
    private var hostCount: UInt32 = 0
    private var nodes = [Node(node: TrieNode(maxPriority: .min))]
    private var terminals: [[RouteCandidate]] = [[]]
    private var expressions: [[RegexPlace]] = [[]]

    init(hashSeed: UInt64, share: RouteShare?) {
        self.share = share
        hosts = ByteMap(seed: hashSeed)
        stems = ByteMap(seed: hashSeed)
        exactPaths = ByteMap(seed: hashSeed)
        edges = ByteMap(seed: hashSeed)
        groups = ByteMap(seed: hashSeed)
    }

    mutating func insert(_ entry: RouteEntry, at position: Int) throws(RouteTable.Fault) {
        guard !entry.paths.isEmpty else { throw fault(entry, "", .noPath) }
        do { programs.append(try ConditionProgram(entry.conditions)) } catch {
            throw fault(entry, ConditionExpression.all(entry.conditions).description, error)
        }
        let newcomer = Newcomer(
            candidate: RouteCandidate(
                entry: position, index: entry.index, priority: entry.priority, methods: MethodSet(names: entry.methods),
                conditionCount: entry.conditions.count
            ))
        let hosts = try distinctHosts(entry)
        for path in entry.paths {
            do {
                let place = try PathPlace(path)
                if entry.hosts.isEmpty { try insert(newcomer, place, bucket: bucketOfAnyHost()) }
                for host in hosts {
                    guard let bucket = bucket(of: host, place.stem) else { continue }
                    try insert(newcomer, place, bucket: bucket)
                }
            } catch {
                throw fault(entry, path.text, error)
            }
        }
    }

    private func fault(
        _ entry: RouteEntry, _ pattern: String, _ reason: RouteTable.Fault.Reason
    ) -> RouteTable.Fault {
        RouteTable.Fault(index: entry.index, pattern: pattern, reason: reason)
    }

    // MARK: - Hosts

    private func distinctHosts(_ entry: RouteEntry) throws(RouteTable.Fault) -> [HostPattern] {
        var hosts: [HostPattern] = []
        for host in entry.hosts {
            let pattern = HostPattern(host)
            guard Self.isValidHost(pattern.isWildcard ? pattern.name.dropFirst() : pattern.name[...]) else {
                throw fault(entry, host, .badHost)
            }
            if !hosts.contains(pattern) { hosts.append(pattern) }
        }
        return hosts
    }

    private mutating func bucketOfAnyHost() -> Int {
        if anyHost == 0 { anyHost = addBucket() }
        return Int(anyHost)
    }

    /// Nil where the place is another table's.
    private mutating func bucket(of host: HostPattern, _ stem: PathStem) -> Int? {
        if let share {
            let hash = host.name.withUnsafeBytes { share.hash.host($0, scope: host.scope) }
            guard share.holds(host: hash, stem: stem) else { return nil }
        }
        hasWildcards = hasWildcards || host.isWildcard
        guard share != nil else {
            if let present = hosts.insert(host.name, scope: host.scope, value: UInt32(buckets.count)) {
                return Int(present)
            }
            return Int(addBucket())
        }
        let number = hosts.insert(host.name, scope: host.scope, value: hostCount + 1) ?? hostCount + 1
        hostCount = max(hostCount, number)
        if let present = stems.insert(stem.bytes, scope: number, value: UInt32(buckets.count)) { return Int(present) }
        return Int(addBucket(depth: stem.depth))
    }

    private static func isValidHost(_ name: ArraySlice<UInt8>) -> Bool {
        guard 1...HostValue.longestName ~= name.count else { return false }
        return Array(name).withUnsafeBytes { bytes in
            guard let value = try? HostValue(ByteRange(0, bytes.count), in: bytes) else { return false }
            // Neither a port nor a final dot, which requests are stripped of.
            return value.name == value.authority
        }
    }

    private mutating func addBucket(depth: Int = 0) -> UInt32 {
        let templates = addNode()
        buckets.append(RouteBucket(templates: templates, prefixes: addNode(), depth: depth, maxPriority: .min))
        expressions.append([])
        return UInt32(buckets.count - 1)
    }

    // MARK: - Paths

    private mutating func insert(
        _ newcomer: Newcomer, _ place: PathPlace, bucket: Int
    ) throws(RouteTable.Fault.Reason) {
        buckets[bucket].maxPriority = max(buckets[bucket].maxPriority, newcomer.priority)
        switch place.form {
        case .exact(let whole):
            let next = UInt32(terminals.count)
            if let present = exactPaths.insert(whole, scope: UInt32(bucket), value: next) {
                terminals[Int(present)].append(newcomer.candidate)
            } else {
                terminals.append([newcomer.candidate])
            }
        case .template(let segments):
            try insert(newcomer, template: segments.dropFirst(buckets[bucket].depth), bucket: bucket)
        case .prefix(let segments, let endsInSlash):
            let rest = segments.dropFirst(buckets[bucket].depth)
            insert(newcomer, prefix: rest, endsInSlash: endsInSlash, bucket: bucket)
        case .regex(let expression):
            terminals.append([newcomer.candidate])
            expressions[bucket].append(RegexPlace(expression: expression, terminal: UInt32(terminals.count - 1)))
        }
    }

    private mutating func insert(
        _ newcomer: Newcomer, prefix: ArraySlice<[UInt8]>, endsInSlash: Bool, bucket: Int
    ) {
        var node = buckets[bucket].prefixes
        raise(node, to: newcomer.priority)
        for literal in prefix {
            node = child(of: node, literal: literal)
            raise(node, to: newcomer.priority)
        }
        if endsInSlash {
            nodes[Int(node)].node.below = add(newcomer, to: nodes[Int(node)].node.below)
        } else {
            nodes[Int(node)].node.terminal = add(newcomer, to: nodes[Int(node)].node.terminal)
        }
    }

    private mutating func insert(
        _ newcomer: Newcomer, template: ArraySlice<PathTemplate.Segment>, bucket: Int
    ) throws(RouteTable.Fault.Reason) {
        var node = buckets[bucket].templates
        raise(node, to: newcomer.priority)
        for (position, segment) in template.enumerated() {
            switch segment {
            case .literal(let text): node = child(of: node, literal: text)
            case .affixed(let prefix, let suffix): node = try child(of: node, prefix: prefix, suffix: suffix)
            case .parameter: node = parameterChild(of: node)
            case .greedy: node = tail(of: node, segmentCount: template.count - position - 1)
            }
            raise(node, to: newcomer.priority)
        }
        nodes[Int(node)].node.terminal = add(newcomer, to: nodes[Int(node)].node.terminal)
    }

    private mutating func add(_ newcomer: Newcomer, to terminal: UInt32) -> UInt32 {
        guard terminal == 0 else {
            terminals[Int(terminal)].append(newcomer.candidate)
            return terminal
        }
        terminals.append([newcomer.candidate])
        return UInt32(terminals.count - 1)
    }

    // MARK: - Nodes

    private mutating func addNode() -> UInt32 {
        nodes.append(Node(node: TrieNode(maxPriority: .min)))
        return UInt32(nodes.count - 1)
    }

    private mutating func raise(_ node: UInt32, to priority: Int) {
        nodes[Int(node)].node.maxPriority = max(nodes[Int(node)].node.maxPriority, priority)
    }

    private mutating func child(of node: UInt32, literal: [UInt8]) -> UInt32 {
        if let present = edges.insert(literal, scope: node, value: UInt32(nodes.count)) { return present }
        return addNode()
    }

    private mutating func parameterChild(of node: UInt32) -> UInt32 {
        if nodes[Int(node)].node.parameter == 0 { nodes[Int(node)].node.parameter = addNode() }
        return nodes[Int(node)].node.parameter
    }

    private mutating func child(
        of node: UInt32, prefix: [UInt8], suffix: [UInt8]
    ) throws(RouteTable.Fault.Reason) -> UInt32 {
        let present = nodes[Int(node)].affixes
        if let same = present.first(where: { $0.prefix == prefix && $0.suffix == suffix }) { return same.child }
        guard present.count < Self.mostAffixes else { throw .tooManyAffixes }
        let child = addNode()
        nodes[Int(node)].affixes.append(Affix(prefix: prefix, suffix: suffix, child: child))
        return child
    }

    private mutating func tail(of node: UInt32, segmentCount: Int) -> UInt32 {
        if let same = nodes[Int(node)].tails.first(where: { $0.segmentCount == segmentCount }) { return same.root }
        let root = addNode()
        nodes[Int(node)].tails.append(GreedyTail(segmentCount: segmentCount, root: root))
        return root
    }
}

// MARK: - Layout

extension RouteTableBuilder {
    /// What was gathered in small arrays, laid out flat and in order of precedence.
    struct Places {
        var nodes: [TrieNode] = []
        var affixes: [Affix] = []
        var tails: [GreedyTail] = []
        var expressions: [RegexPlace] = []
        var groupRanges = [0..<0]
        var terminals: [Terminal] = []
        var candidates: [RouteCandidate] = []
    }

    mutating func flattened() -> Places {
        var places = Places()
        for gathered in nodes {
            var node = gathered.node
            node.affixes = places.affixes.append(all: gathered.affixes.sorted(by: Self.precedes))
            node.tails = places.tails.append(all: gathered.tails.sorted { $0.segmentCount > $1.segmentCount })
            places.nodes.append(node)
        }
        for bucket in buckets.indices where !expressions[bucket].isEmpty {
            buckets[bucket].hasExpressions = true
            layOutExpressions(of: bucket, into: &places)
        }
        for gathered in terminals { places.terminals.append(Self.layOut(gathered, into: &places.candidates)) }
        return places
    }

    private mutating func layOutExpressions(of bucket: Int, into places: inout Places) {
        var ordered = expressions[bucket].sorted { rank(of: $0) < rank(of: $1) }
        for place in ordered.indices { ordered[place].order = place }
        let grouped = Dictionary(grouping: ordered) { PathStem(literalsOf: $0.expression).bytes }.sorted {
            $0.value[0].order < $1.value[0].order
        }
        for (segments, group) in grouped {
            _ = groups.insert(segments, scope: UInt32(bucket), value: UInt32(places.groupRanges.count))
            places.groupRanges.append(places.expressions.append(all: group))
        }
    }

    private func rank(of place: RegexPlace) -> (Int, Int) {
        let candidate = terminals[Int(place.terminal)][0]
        return (-candidate.conditionCount, candidate.index)
    }

    private static func precedes(_ left: Affix, _ right: Affix) -> Bool {
        let (leftCount, rightCount) = (left.prefix.count + left.suffix.count, right.prefix.count + right.suffix.count)
        if leftCount != rightCount { return leftCount > rightCount }
        if left.prefix.count != right.prefix.count { return left.prefix.count > right.prefix.count }
        return (left.prefix + left.suffix).lexicographicallyPrecedes(right.prefix + right.suffix)
    }

    private static func layOut(_ gathered: [RouteCandidate], into candidates: inout [RouteCandidate]) -> Terminal {
        let ordered = gathered.sorted { left, right in
            if left.priority != right.priority { return left.priority > right.priority }
            if left.conditionCount != right.conditionCount { return left.conditionCount > right.conditionCount }
            if (left.methods == .any) != (right.methods == .any) { return right.methods == .any }
            return left.index < right.index
        }
        var taken: MethodSet = []
        var live: [RouteCandidate] = []
        var dead: [RouteCandidate] = []
        for candidate in ordered {
            if taken.isSuperset(of: candidate.methods) { dead.append(candidate) } else { live.append(candidate) }
            // Where its conditions fail, it leaves the next one all.
            guard candidate.conditionCount == 0 else { continue }
            // One route for some other method leaves the next its own.
            taken.formUnion(candidate.methods == .any ? .any : candidate.methods.subtracting(.others))
        }
        return Terminal(
            candidates: candidates.append(all: live + dead), liveCount: live.count,
            methods: ordered.reduce(into: []) { $0.formUnion($1.methods) }, maxPriority: ordered.first?.priority ?? .min
        )
    }
}

extension Array {
    /// Appends and tells where the elements are now.
    fileprivate mutating func append(all elements: [Element]) -> Range<Int> {
        append(contentsOf: elements)
        return count - elements.count..<count
    }
}
