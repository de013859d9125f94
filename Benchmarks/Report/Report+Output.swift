// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import TurnpikeModel

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

extension Report {
    func print(as format: OutputFormat) {
        Swift.print(format == .json ? json.prettyText : text, terminator: "")
    }

    private var text: String {
        let machine = Machine.this
        let width = figures.map { $0.name.count + $0.unit.count + 2 }.max() ?? 0
        var lines = [title, "\(machine.processor), \(machine.cores) cores, \(machine.memoryMiB) MiB", ""]
        if figures.contains(where: { if case .spread = $0.value { true } else { false } }) {
            lines.append(cells(width, "", ["count", "min", "median", "p99", "max"]))
        }
        lines += figures.map { figure in
            let label = "\(figure.name), \(figure.unit)"
            let verdict = figure.budget.map { budget in
                "   \(figure.judged) \(budget.bound.rawValue) \(short(budget.limit)): "
                    + (figure.isMet == true ? "met" : "MISSED")
            }
            switch figure.value {
            case .number(let number): return cells(width, label, [short(number)]) + (verdict ?? "")
            case .spread(let spread):
                let values = [spread.min, spread.median, spread.p99, spread.max].map(short)
                return cells(width, label, ["\(spread.count)"] + values) + (verdict ?? "")
            }
        }
        return lines.joined(separator: "\n") + "\n\n"
    }

    private func cells(_ width: Int, _ label: String, _ values: [String]) -> String {
        label.padding(toLength: width, withPad: " ", startingAt: 0)
            + values.map { String(repeating: " ", count: max(1, 11 - $0.count)) + $0 }.joined()
    }

    /// Three digits that mean something are enough for what varies from run to run.
    private func short(_ value: Double) -> String {
        let digits = value.magnitude >= 100 || value == value.rounded() ? 0 : value.magnitude >= 10 ? 1 : 2
        return String(format: "%.\(digits)f", value)
    }

    private var json: JSON {
        let machine = Machine.this
        return [
            "title": .string(title),
            "machine": [
                "processor": .string(machine.processor), "cores": .integer(Int64(machine.cores)),
                "memoryMiB": .integer(Int64(machine.memoryMiB)),
            ],
            "figures": .array(figures.map(\.json)),
        ]
    }
}

extension Report.Figure {
    /// Which of a spread's figures the budget is about.
    fileprivate var judged: String {
        guard case .spread = value, let budget else { return "" }
        return budget.bound == .atMost ? "p99" : "median"
    }

    fileprivate var json: JSON {
        var object = JSONObject(["name": .string(name), "unit": .string(unit)])
        switch value {
        case .number(let number): object["value"] = .number(number)
        case .spread(let spread):
            object["count"] = .integer(Int64(spread.count))
            object["min"] = .number(spread.min)
            object["median"] = .number(spread.median)
            object["p99"] = .number(spread.p99)
            object["max"] = .number(spread.max)
        }
        if let budget, let isMet {
            object["budget"] = .string("\(budget.bound.rawValue) \(budget.limit)")
            object["met"] = .bool(isMet)
        }
        return .object(object)
    }
}
