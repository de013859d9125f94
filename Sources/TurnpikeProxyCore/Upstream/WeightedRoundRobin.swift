// SPDX-License-Identifier: Apache-2.0

/// Smooth weighted round robin: each turn goes to the one furthest behind its share, so that turns are spread evenly and not
/// given in runs. Deterministic.
///
/// Every candidate gains its weight, the one with the most is taken and pays the sum of the weights. Those that are not
/// available neither gain nor pay, and come back without a burst.
public struct WeightedRoundRobin: Sendable {
    private let weights: [Int]
    private var credit: [Int]

    /// - Parameter weights: 0 to 1,000 each; those of 0 are never taken.
    public init(weights: [Int]) {
        self.weights = weights.map { min(max($0, 0), 1000) }
        credit = Array(repeating: 0, count: weights.count)
    }

    /// Whose turn it is, among those that are available; nil if none is.
    public mutating func next(where isAvailable: (Int) -> Bool = { _ in true }) -> Int? {
        let weights = weights
        return next { isAvailable($0) ? weights[$0] : 0 }
    }

    /// Whose turn it is by weights of the moment, which take the place of the usual ones; 0 for those not available.
    mutating func next(weighing weight: (Int) -> Int) -> Int? {
        var chosen: Int?
        var total = 0
        for index in credit.indices {
            let weight = weight(index)
            guard weight > 0 else { continue }
            credit[index] += weight
            total += weight
            if chosen.map({ credit[index] > credit[$0] }) ?? true { chosen = index }
        }
        if let chosen { credit[chosen] -= total }
        return chosen
    }
}
