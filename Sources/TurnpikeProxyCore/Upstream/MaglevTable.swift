// SPDX-License-Identifier: Apache-2.0

/// Consistent hashing as in Maglev (Eisenbud et al., NSDI 2016, §3.4): a table of endpoints, as many entries each as its
/// weight says, in which nearly every entry keeps its endpoint when another comes or goes.
///
/// Follows from the endpoints' addresses and weights alone, whatever their order, so that all gateways send the same request
/// to the same place. Made with the configuration, never changed.
struct MaglevTable: Sendable {
    /// Prime, so that every endpoint's order of preference visits every entry; 64 entries for each of 256 endpoints.
    static let size = 16_381

    /// Empty where no endpoint has a weight.
    private let places: [UInt16]

    private struct Candidate {
        let place: UInt16
        let weight: Int
        /// In its order of preference: the entry to try next, and the step to the one after.
        var entry: Int
        let step: Int
        /// What `round × weight` must reach for its next turn.
        var due = 0
    }

    /// - Parameter weights: of the addresses, in the same order; those of 0 get no entry.
    init(_ addresses: [EndpointAddress], weights: [Int]) {
        var candidates = Self.candidates(addresses, weights)
        guard let heaviest = candidates.map(\.weight).max() else {
            places = []
            return
        }
        var table = [UInt16](repeating: .max, count: Self.size)
        var left = Self.size
        var round = 1
        while left > 0 {
            for index in candidates.indices where left > 0 && round * candidates[index].weight >= candidates[index].due
            {
                candidates[index].due += heaviest
                while table[candidates[index].entry] != .max { Self.advance(&candidates[index]) }
                table[candidates[index].entry] = candidates[index].place
                left -= 1
            }
            round += 1
        }
        places = table
    }

    private static func candidates(_ addresses: [EndpointAddress], _ weights: [Int]) -> [Candidate] {
        let names = addresses.map { "\($0.ip ?? $0.host):\($0.port)" }
        return addresses.indices.filter { weights[$0] > 0 }.sorted { names[$0] < names[$1] }.map { place in
            let name = Array(names[place].utf8)
            let (first, second) = name.withUnsafeBytes {
                (
                    ByteHash(seed: 0x6D61_676C_6576_2D31).hash($0, scope: 0, foldingCase: false),
                    ByteHash(seed: 0x6D61_676C_6576_2D32).hash($0, scope: 0, foldingCase: false)
                )
            }
            return Candidate(
                place: UInt16(clamping: place), weight: weights[place], entry: Int(first % UInt64(size)),
                step: Int(second % UInt64(size - 1)) + 1
            )
        }
    }

    private static func advance(_ candidate: inout Candidate) {
        candidate.entry += candidate.step
        if candidate.entry >= size { candidate.entry -= size }
    }

    /// The endpoint that the hash leads to; where that one cannot be taken, the next in the table that can. As neighbours in
    /// the table are as good as random, the requests of one that is out go to all others alike.
    func place(of hash: UInt64, where isCandidate: (Int) -> Bool) -> Int? {
        guard !places.isEmpty else { return nil }
        let start = Int(hash % UInt64(Self.size))
        for entry in places[start...] where isCandidate(Int(entry)) { return Int(entry) }
        for entry in places[..<start] where isCandidate(Int(entry)) { return Int(entry) }
        return nil
    }
}
