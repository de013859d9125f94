// SPDX-License-Identifier: Apache-2.0

/// The power of two choices (Mitzenmacher 2001): of two candidates drawn by weight, the one with less to do. Nearly as even
/// as knowing the least of all, and unlike that it never sends everybody to the one that has just come back.
enum LeastRequest {
    /// - Parameters:
    ///   - count: of candidates.
    ///   - weight: of a candidate; 0 where it cannot be taken.
    ///   - load: of a candidate, such as its requests in flight; compared per unit of weight.
    /// - Returns: nil where nobody can be taken.
    static func choose(
        among count: Int, weight: (Int) -> Int, load: (Int) -> Int, random: inout RandomSource
    ) -> Int? {
        var total = 0
        for place in 0..<count { total += weight(place) }
        guard let first = draw(among: count, of: total, weight: weight, random: &random) else { return nil }
        let second = draw(
            among: count, of: total - weight(first), weight: { $0 == first ? 0 : weight($0) }, random: &random)
        guard let second else { return first }
        return load(second) * weight(first) < load(first) * weight(second) ? second : first
    }

    private static func draw(
        among count: Int, of total: Int, weight: (Int) -> Int, random: inout RandomSource
    ) -> Int? {
        guard total > 0 else { return nil }
        var rest = Int.random(in: 0..<total, using: &random)
        for place in 0..<count {
            rest -= weight(place)
            if rest < 0 { return place }
        }
        return nil
    }
}
