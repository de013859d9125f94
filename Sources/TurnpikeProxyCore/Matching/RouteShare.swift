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
        stem.bytes.withUnsafeBytes { hash.place(host: host, stem: $0, among: count) } == number
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

    /// The number of the table.
    @inline(__always)
    func place(host: UInt64, stem: UnsafeRawBufferPointer, among count: Int) -> Int {
        let hash = ByteHash.fold(host ^ hasher.hash(stem, scope: 0, foldingCase: false), 0xD6E8_FEB8_6659_FD93)
        return Int(truncatingIfNeeded: hash >> 32) & (count - 1)
    }
}

/// The places of one route.
struct RoutePlaces {
    /// The tables that they lie in.
    var numbers: Set<Int> = []
    /// By depth: how many there are whose stem has so many segments.
    var depths = [Int](repeating: 0, count: PathStem.mostSegments + 1)
    var wildcards = 0

    /// A pattern that cannot be matched lies anywhere: whoever makes a table with it finds out.
    init(of entry: RouteEntry, by hash: PlaceHash, among count: Int) {
        let stems = entry.paths.map { (try? PathPlace($0).stem) ?? PathStem([]) }
        for host in entry.hosts {
            let pattern = HostPattern(host)
            wildcards += pattern.isWildcard ? 1 : 0
            let host = pattern.name.withUnsafeBytes { hash.host($0, scope: pattern.scope) }
            for stem in stems {
                depths[stem.depth] += 1
                numbers.insert(stem.bytes.withUnsafeBytes { hash.place(host: host, stem: $0, among: count) })
            }
        }
        if numbers.isEmpty { numbers = [0] }
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
