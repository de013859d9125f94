// SPDX-License-Identifier: Apache-2.0

/// Which part of a tenant's routes a table holds, where there are too many for one: those at some *places*. A place is a host and
/// the literal segments that a path begins with (``PathStem``).
struct RouteShare: Sendable {
    /// Of the table.
    let number: Int
    /// Of all tables; a power of two.
    let count: Int
    let hash: PlaceHash

    func holds(host: UInt64, stem: UInt64) -> Bool { hash.place(host: host, stem: stem, among: count) == number }
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

    func host(_ pattern: HostPattern) -> UInt64 {
        pattern.name.withUnsafeBytes { host($0, scope: pattern.scope) }
    }

    func stem(_ stem: PathStem) -> UInt64 { stem.bytes.withUnsafeBytes { self.stem($0) } }

    /// The number of the table, by the hashes of host and stem.
    @inline(__always)
    func place(host: UInt64, stem: UInt64, among count: Int) -> Int {
        let hash = ByteHash.fold(host ^ stem, 0xD6E8_FEB8_6659_FD93)
        return Int(truncatingIfNeeded: hash >> 32) & (count - 1)
    }
}

extension PreparedEntry {
    /// Calls `each` with every place: a host and a path, and the number of the table that it lies in. Where there are several
    /// tables, every entry names hosts; one that no table can take lies anywhere, and whoever makes that table finds out.
    func forEachPlace(by hash: PlaceHash, among count: Int, _ each: (HostPattern, PathStem, Int) -> Void) {
        guard fault == nil, !hosts.isEmpty else { return each(HostPattern(""), PathStem([]), 0) }
        for host in hosts {
            let hostHash = hash.host(host)
            for path in paths {
                each(host, path.stem, hash.place(host: hostHash, stem: hash.stem(path.stem), among: count))
            }
        }
    }
}

/// How many places there are, by how many segments their stems have: of hosts, and of wildcards.
struct PlaceDepths: Equatable {
    private var counts = [Int](repeating: 0, count: 2 * (PathStem.mostSegments + 1))

    mutating func count(_ difference: Int, at depth: Int, scope: UInt32) {
        counts[Int(scope) * (PathStem.mostSegments + 1) + depth] += difference
    }

    /// A bit for each depth at which there are any.
    func bits(scope: UInt32) -> UInt16 {
        let first = Int(scope) * (PathStem.mostSegments + 1)
        return (0...PathStem.mostSegments).reduce(0) { counts[first + $1] > 0 ? $0 | 1 << UInt16($1) : $0 }
    }
}

/// A host as routes write it, taken apart. Wildcards are kept from their dot on: `.acme.test`.
struct HostPattern: Sendable, Equatable {
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

    var isValid: Bool {
        let bare = isWildcard ? name.dropFirst() : name[...]
        guard 1...HostValue.longestName ~= bare.count else { return false }
        return bare.withUnsafeBytes { bytes in
            guard let value = try? HostValue(ByteRange(0, bytes.count), in: bytes) else { return false }
            // Neither a port nor a final dot, which requests are stripped of.
            return value.name == value.authority
        }
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
