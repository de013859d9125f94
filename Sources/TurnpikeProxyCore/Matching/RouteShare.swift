// SPDX-License-Identifier: Apache-2.0

/// Which part of a tenant's routes a table holds, where there are too many for one: those at some *places*. A place is a host and
/// the literal segments that a path begins with (``PathStem``).
struct RouteShare: Sendable {
    /// Of the table.
    let number: Int
    /// Of all tables; a power of two.
    let count: Int
    let hash: PlaceHash

    func holds(host: UInt64, stem: PathStem) -> Bool {
        hash.place(host: host, stem: stem.bytes.withUnsafeBytes { hash.stem($0) }, among: count) == number
    }
}

/// Where places lie.
struct PlaceHash: Sendable {
    private let hasher: ByteHash

    init(seed: UInt64) { hasher = ByteHash(seed: seed) }

    /// Of a host in any case, as the maps of tables with the same seed hash it too.
    @inline(__always)
    func host(_ name: UnsafeRawBufferPointer, scope: UInt32) -> UInt64 {
        hasher.hash(name, scope: scope, foldingCase: true)
    }

    @inline(__always)
    func stem(_ bytes: UnsafeRawBufferPointer) -> UInt64 { hasher.hash(bytes, scope: 0, foldingCase: false) }

    /// The number of the table, by the hashes of host and stem.
    @inline(__always)
    func place(host: UInt64, stem: UInt64, among count: Int) -> Int {
        let hash = ByteHash.fold(host ^ stem, 0xD6E8_FEB8_6659_FD93)
        return Int(truncatingIfNeeded: hash >> 32) & (count - 1)
    }
}

/// The places of one route.
struct RoutePlaces {
    /// The tables that they lie in.
    var numbers: Set<Int> = []
    var depths = PlaceDepths()

    /// A pattern that cannot be matched lies anywhere: whoever makes a table with it finds out.
    init(of entry: RouteEntry, by hash: PlaceHash, among count: Int) {
        let stems = entry.paths.map { path in
            let stem = (try? PathPlace(path).stem) ?? PathStem([])
            return (depth: stem.depth, hash: stem.bytes.withUnsafeBytes { hash.stem($0) })
        }
        for host in entry.hosts {
            let pattern = HostPattern(host)
            let host = pattern.name.withUnsafeBytes { hash.host($0, scope: pattern.scope) }
            for stem in stems {
                depths.count(1, at: stem.depth, scope: pattern.scope)
                numbers.insert(hash.place(host: host, stem: stem.hash, among: count))
            }
        }
        if numbers.isEmpty { numbers = [0] }
    }
}

/// How many places there are, by how many segments their stems have: of hosts, and of wildcards.
struct PlaceDepths: Equatable {
    private var counts = [Int](repeating: 0, count: 2 * (PathStem.mostSegments + 1))

    mutating func count(_ difference: Int, at depth: Int, scope: UInt32) {
        counts[Int(scope) * (PathStem.mostSegments + 1) + depth] += difference
    }

    mutating func add(_ other: PlaceDepths, times sign: Int) {
        for place in counts.indices { counts[place] += sign * other.counts[place] }
    }

    /// A bit for each depth at which there are any.
    func bits(scope: UInt32) -> UInt16 {
        let first = Int(scope) * (PathStem.mostSegments + 1)
        return (0...PathStem.mostSegments).reduce(0) { counts[first + $1] > 0 ? $0 | 1 << UInt16($1) : $0 }
    }
}

/// A host as routes write it, taken apart. Wildcards are kept from their dot on: `.acme.test`.
struct HostPattern: Equatable {
    /// In lower case.
    let name: [UInt8]
    let isWildcard: Bool
    /// In maps of hosts.
    var scope: UInt32 { isWildcard ? RouteTable.wildcardHosts : RouteTable.exactHosts }

    init(_ text: String) {
        let lowered = text.utf8.map(ASCII.lowercased)
        isWildcard = lowered.starts(with: "*.".utf8)
        name = isWildcard ? Array(lowered.dropFirst()) : lowered
    }

    /// Whether the host, without port and final dot, in any case, is one of the pattern's.
    func takes(_ host: UnsafeRawBufferPointer) -> Bool {
        name.withUnsafeBytes { name in
            guard isWildcard else { return host.equalsIgnoringCase(name) }
            guard host.count > name.count, host.count <= HostValue.longestName else { return false }
            return host[ByteRange(host.count - name.count, host.count)].equalsIgnoringCase(name)
        }
    }
}
