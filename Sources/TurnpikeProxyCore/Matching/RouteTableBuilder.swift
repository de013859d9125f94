// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Takes entries one by one and lays out the storage of a ``RouteTable``.
struct RouteTableBuilder {
    /// Different texts around parameters at one place; they are tried one by one.
    static let mostAffixes = 64

    /// The routes of one place. Nearly always there is one.
    private struct Gathered {
        var first: RouteCandidate
        var others: [RouteCandidate] = []
    }

    private(set) var hosts: ByteMap
    private(set) var hasWildcards = false
    private(set) var anyHost: UInt32 = 0
    private(set) var buckets: [RouteBucket] = []
    /// Of a share: by number of the host and stem.
    private(set) var stems: ByteMap
    private(set) var exactPaths: ByteMap
    private(set) var edges: ByteMap
    /// By bucket and literal segments of regexes.
    private(set) var groups: ByteMap
    private(set) var nodes: [TrieNode] = []
    private let share: RouteShare?
    private var hostCount: UInt32 = 0
    /// By node, of the few that have any.
    private var affixes: [UInt32: [Affix]] = [:]
    private var tails: [UInt32: [GreedyTail]] = [:]
    /// By number of the terminal, of which the first is 1.
    private var gathered: [Gathered] = []
    /// By bucket.
    private var expressions: [UInt32: [RegexPlace]] = [:]

    /// - Parameter members: that will be inserted. Mostly each has one place in a share: there is room for that from the start.
    init(hashSeed: UInt64, share: RouteShare?, for members: [RouteTable.Member]) {
        self.share = share
        hosts = ByteMap(seed: hashSeed)
        stems = ByteMap(seed: hashSeed)
        exactPaths = ByteMap(seed: hashSeed)
        edges = ByteMap(seed: hashSeed)
        groups = ByteMap(seed: hashSeed)
        gathered.reserveCapacity(members.count)
        nodes.reserveCapacity(members.count + 1)
        nodes.append(TrieNode())
        if share != nil {
            buckets.reserveCapacity(members.count + 1)
            let bytes = members.reduce(0) { $0 + ($1.prepared.paths.first?.stem.bytes.count ?? 0) }
            stems.reserve(members.count, bytes: bytes)
        }
        buckets.append(RouteBucket())
    }

    mutating func insert(_ member: RouteTable.Member, at position: Int) throws(RouteTable.Fault) {
        let prepared = member.prepared
        if let fault = prepared.fault {
            throw RouteTable.Fault(index: member.index, pattern: fault.pattern, reason: fault.reason)
        }
        let newcomer = RouteCandidate(
            entry: position, index: member.index, priority: prepared.entry.priority, methods: prepared.methods,
            conditionCount: prepared.entry.conditions.count)
        for (number, place) in prepared.paths.enumerated() {
            do {
                if prepared.hosts.isEmpty { try insert(newcomer, place, bucket: bucketOfAnyHost()) }
                for host in prepared.hosts {
                    guard let bucket = bucket(of: host, place.stem) else { continue }
                    try insert(newcomer, place, bucket: bucket)
                }
            } catch {
                throw RouteTable.Fault(
                    index: member.index, pattern: prepared.entry.paths[number].text, reason: error)
            }
        }
    }

    // MARK: - Hosts

    private mutating func bucketOfAnyHost() -> Int {
        if anyHost == 0 { anyHost = UInt32(addBucket()) }
        return Int(anyHost)
    }

    /// Nil where the place is another table's.
    private mutating func bucket(of host: HostPattern, _ stem: PathStem) -> Int? {
        guard let share else {
            hasWildcards = hasWildcards || host.isWildcard
            let next = UInt32(buckets.count)
            return hosts.insert(host.name, scope: host.scope, value: next).map(Int.init) ?? addBucket()
        }
        let (hostHash, stemHash) = (share.hash.host(host), share.hash.stem(stem))
        guard share.holds(host: hostHash, stem: stemHash) else { return nil }
        hasWildcards = hasWildcards || host.isWildcard
        let number =
            host.name.withUnsafeBytes { hosts.insert($0, hash: hostHash, scope: host.scope, value: hostCount + 1) }
            ?? hostCount + 1
        hostCount = max(hostCount, number)
        let present = stems.insert(stem.bytes, scope: number, value: UInt32(buckets.count))
        return present.map(Int.init) ?? addBucket(depth: stem.depth)
    }

    private mutating func addBucket(depth: Int = 0) -> Int {
        buckets.append(RouteBucket(depth: depth))
        return buckets.count - 1
    }

    // MARK: - Paths

    private mutating func insert(
        _ newcomer: RouteCandidate, _ place: PathPlace, bucket: Int
    ) throws(RouteTable.Fault.Reason) {
        buckets[bucket].maxPriority = max(buckets[bucket].maxPriority, newcomer.priority)
        switch place.form {
        case .exact:
            let next = UInt32(gathered.count + 1)
            let present = exactPaths.insert(place.literals, scope: UInt32(bucket), value: next) ?? 0
            _ = add(newcomer, to: present)
        case .template(let segments):
            if buckets[bucket].templates == 0 { buckets[bucket].templates = addNode() }
            let root = buckets[bucket].templates
            raise(root, to: newcomer.priority)
            let start = walk(place, in: bucket, from: root, newcomer.priority)
            try insert(newcomer, template: segments, from: start)
        case .prefix(let endsInSlash):
            if buckets[bucket].prefixes == 0 { buckets[bucket].prefixes = addNode() }
            let root = buckets[bucket].prefixes
            raise(root, to: newcomer.priority)
            let node = Int(walk(place, in: bucket, from: root, newcomer.priority))
            if endsInSlash {
                nodes[node].below = add(newcomer, to: nodes[node].below)
            } else {
                nodes[node].terminal = add(newcomer, to: nodes[node].terminal)
            }
        case .regex(let expression):
            expressions[UInt32(bucket), default: []].append(
                RegexPlace(expression: expression, terminal: add(newcomer, to: 0)))
        }
    }

    /// The node that the literal segments of a place lead to, from the root of a trie of its bucket, which begins behind the
    /// bucket's stem.
    private mutating func walk(
        _ place: PathPlace, in bucket: Int, from root: UInt32, _ priority: Int
    ) -> UInt32 {
        let start = buckets[bucket].depth == 0 ? 0 : place.stem.bytes.count
        guard start < place.literals.count else { return root }
        var node = root
        place.literals.withUnsafeBytes { bytes in
            var end = start
            while end < bytes.count {
                let segment = end + 1
                end = RouteTable.segmentEnd(bytes, from: segment)
                node = child(of: node, literal: bytes[ByteRange(segment, end)])
                raise(node, to: priority)
            }
        }
        return node
    }

    private mutating func insert(
        _ newcomer: RouteCandidate, template: [PathTemplate.Segment], from start: UInt32
    ) throws(RouteTable.Fault.Reason) {
        var node = start
        for (position, segment) in template.enumerated() {
            switch segment {
            case .literal(let text): node = text.withUnsafeBytes { child(of: node, literal: $0) }
            case .affixed(let prefix, let suffix): node = try child(of: node, prefix: prefix, suffix: suffix)
            case .parameter: node = parameterChild(of: node)
            case .greedy: node = tail(of: node, segmentCount: template.count - position - 1)
            }
            raise(node, to: newcomer.priority)
        }
        nodes[Int(node)].terminal = add(newcomer, to: nodes[Int(node)].terminal)
    }

    /// - Parameter terminal: zero where there is none yet.
    private mutating func add(_ newcomer: RouteCandidate, to terminal: UInt32) -> UInt32 {
        guard terminal == 0 else {
            gathered[Int(terminal) - 1].others.append(newcomer)
            return terminal
        }
        gathered.append(Gathered(first: newcomer))
        return UInt32(gathered.count)
    }

    // MARK: - Nodes

    private mutating func addNode() -> UInt32 {
        nodes.append(TrieNode())
        return UInt32(nodes.count - 1)
    }

    private mutating func raise(_ node: UInt32, to priority: Int) {
        nodes[Int(node)].maxPriority = max(nodes[Int(node)].maxPriority, priority)
    }

    private mutating func child(of node: UInt32, literal: UnsafeRawBufferPointer) -> UInt32 {
        edges.insert(literal, scope: node, value: UInt32(nodes.count)) ?? addNode()
    }

    private mutating func parameterChild(of node: UInt32) -> UInt32 {
        if nodes[Int(node)].parameter == 0 {
            let child = addNode()
            nodes[Int(node)].parameter = child
        }
        return nodes[Int(node)].parameter
    }

    private mutating func child(
        of node: UInt32, prefix: [UInt8], suffix: [UInt8]
    ) throws(RouteTable.Fault.Reason) -> UInt32 {
        let present = affixes[node] ?? []
        if let same = present.first(where: { $0.prefix == prefix && $0.suffix == suffix }) { return same.child }
        guard present.count < Self.mostAffixes else { throw .tooManyAffixes }
        let child = addNode()
        affixes[node] = present + [Affix(prefix: prefix, suffix: suffix, child: child)]
        return child
    }

    private mutating func tail(of node: UInt32, segmentCount: Int) -> UInt32 {
        let present = tails[node] ?? []
        if let same = present.first(where: { $0.segmentCount == segmentCount }) { return same.root }
        let root = addNode()
        tails[node] = present + [GreedyTail(segmentCount: segmentCount, root: root)]
        return root
    }
}

// MARK: - Layout

extension RouteTableBuilder {
    /// What was gathered in small arrays, laid out flat and in order of precedence.
    struct Places {
        var affixes: [Affix] = []
        var tails: [GreedyTail] = []
        var expressions: [RegexPlace] = []
        var groupRanges: [Range<Int>] = []
        var terminals: [Terminal] = []
        var candidates: [RouteCandidate] = []
    }

    mutating func laidOut() -> Places {
        var places = Places()
        for (node, gathered) in affixes {
            nodes[Int(node)].affixes = places.affixes.append(all: gathered.sorted(by: Self.precedes))
        }
        for (node, gathered) in tails {
            nodes[Int(node)].tails = places.tails.append(all: gathered.sorted { $0.segmentCount > $1.segmentCount })
        }
        for (bucket, gathered) in expressions {
            buckets[Int(bucket)].hasExpressions = true
            layOut(gathered, of: bucket, into: &places)
        }
        places.terminals.reserveCapacity(gathered.count + 1)
        places.candidates.reserveCapacity(gathered.count)
        places.terminals.append(Terminal(candidates: 0..<0, liveCount: 0, methods: [], maxPriority: .min))
        for gathered in gathered { places.terminals.append(Self.layOut(gathered, into: &places.candidates)) }
        return places
    }

    private mutating func layOut(_ gathered: [RegexPlace], of bucket: UInt32, into places: inout Places) {
        var ordered = gathered.sorted { rank(of: $0) < rank(of: $1) }
        for place in ordered.indices { ordered[place].order = place }
        let grouped = Dictionary(grouping: ordered) { PathStem(literalsOf: $0.expression).bytes }.sorted {
            $0.value[0].order < $1.value[0].order
        }
        if places.groupRanges.isEmpty { places.groupRanges.append(0..<0) }
        for (segments, group) in grouped {
            _ = groups.insert(segments, scope: bucket, value: UInt32(places.groupRanges.count))
            places.groupRanges.append(places.expressions.append(all: group))
        }
    }

    private func rank(of place: RegexPlace) -> (Int, Int) {
        let candidate = gathered[Int(place.terminal) - 1].first
        return (-candidate.conditionCount, candidate.index)
    }

    private static func precedes(_ left: Affix, _ right: Affix) -> Bool {
        let (leftCount, rightCount) = (left.prefix.count + left.suffix.count, right.prefix.count + right.suffix.count)
        if leftCount != rightCount { return leftCount > rightCount }
        if left.prefix.count != right.prefix.count { return left.prefix.count > right.prefix.count }
        return (left.prefix + left.suffix).lexicographicallyPrecedes(right.prefix + right.suffix)
    }

    private static func layOut(_ gathered: Gathered, into candidates: inout [RouteCandidate]) -> Terminal {
        let first = gathered.first
        guard !gathered.others.isEmpty else {
            candidates.append(first)
            return Terminal(
                candidates: candidates.count - 1..<candidates.count, liveCount: 1, methods: first.methods,
                maxPriority: first.priority)
        }
        let ordered = ([first] + gathered.others).sorted { left, right in
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
