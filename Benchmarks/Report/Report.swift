// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// What one benchmark found.
struct Report: Sendable {
    /// What a figure must not exceed, or must reach.
    struct Budget: Sendable {
        enum Bound: String, Sendable {
            case atMost = "<="
            case atLeast = ">="
        }

        var bound: Bound
        var limit: Double

        static func atMost(_ limit: Double) -> Budget { Budget(bound: .atMost, limit: limit) }
        static func atLeast(_ limit: Double) -> Budget { Budget(bound: .atLeast, limit: limit) }

        func isMet(by value: Double) -> Bool { bound == .atMost ? value <= limit : value >= limit }
    }

    struct Figure: Sendable {
        enum Value: Sendable {
            case number(Double)
            case spread(Spread)

            /// What a budget is about: of a spread, the 99th percentile where small is good, else the median.
            func decisive(for bound: Budget.Bound) -> Double {
                switch self {
                case .number(let number): number
                case .spread(let spread): bound == .atMost ? spread.p99 : spread.median
                }
            }
        }

        var name: String
        var unit: String
        var value: Value
        var budget: Budget?

        var isMet: Bool? { budget.map { $0.isMet(by: value.decisive(for: $0.bound)) } }
    }

    /// The benchmark and its sizes, in words.
    var title: String
    var figures: [Figure] = []

    init(_ title: String) { self.title = title }

    mutating func add(_ name: String, _ samples: [Duration], _ budget: Budget? = nil) {
        add(name, unit: "ms", Spread(milliseconds: samples), budget)
    }

    mutating func add(_ name: String, unit: String, _ spread: Spread, _ budget: Budget? = nil) {
        figures.append(Figure(name: name, unit: unit, value: .spread(spread), budget: budget))
    }

    mutating func add(_ name: String, unit: String, _ number: Double, _ budget: Budget? = nil) {
        figures.append(Figure(name: name, unit: unit, value: .number(number), budget: budget))
    }
}
