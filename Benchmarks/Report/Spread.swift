// SPDX-License-Identifier: Apache-2.0

/// How samples are spread. No mean: a few slow ones are what matters, and it hides them.
struct Spread: Sendable {
    var count: Int
    var min: Double
    var median: Double
    var p99: Double
    var max: Double

    /// - Parameter samples: in any order. Without one, all is zero.
    init(_ samples: [Double]) {
        let sorted = samples.sorted()
        count = sorted.count
        /// The nearest rank: the smallest sample that at least that share of them does not exceed.
        func rank(_ share: Double) -> Double {
            guard !sorted.isEmpty else { return 0 }
            let place = Int((share * Double(sorted.count)).rounded(.up)) - 1
            return sorted[Swift.max(0, Swift.min(place, sorted.count - 1))]
        }
        min = sorted.first ?? 0
        median = rank(0.5)
        p99 = rank(0.99)
        max = sorted.last ?? 0
    }

    init(milliseconds samples: [Duration]) { self.init(samples.map(\.milliseconds)) }
}

extension Duration {
    var milliseconds: Double { self / .milliseconds(1) }
    var seconds: Double { self / .seconds(1) }
}
