// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Rows under headings, for people.
struct Table: Sendable {
    struct Column: Sendable {
        enum Alignment: Sendable { case left, right }

        var title: String
        var alignment: Alignment = .left
    }

    var columns: [Column]
    /// Each with as many cells as there are columns.
    var rows: [[String]]
    /// A line below the rows.
    var note: String?

    init(_ columns: [Column], rows: [[String]] = [], note: String? = nil) {
        self.columns = columns
        self.rows = rows
        self.note = note
    }

    /// The table as text. Columns are as wide as their widest cell; the last one's padding is left out.
    func text(styled: Bool) -> String {
        guard !rows.isEmpty else { return "Nothing there.\n" + noteLine }
        let widths = columns.indices.map { column in
            rows.reduce(columns[column].title.count) { max($0, $1[column].count) }
        }
        let titles = line(columns.map { $0.title.uppercased() }, widths)
        var text = (styled ? Style.bold.applied(to: titles) : titles) + "\n"
        for row in rows { text += line(row, widths) + "\n" }
        return text + noteLine
    }

    private var noteLine: String { note.map { $0 + "\n" } ?? "" }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            let padding = String(repeating: " ", count: widths[index] - cell.count)
            if index > 0 { line += "  " }
            switch columns[index].alignment {
            case .right: line += padding + cell
            case .left: line += index == cells.count - 1 ? cell : cell + padding
            }
        }
        return line
    }
}
