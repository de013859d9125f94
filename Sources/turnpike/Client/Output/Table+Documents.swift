// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

extension Table {
    /// The longest that a cell made of a list or an object may be, in characters.
    private static let cellLimit = 60
    /// Fields that a table of one kind and tenant can do without; how a worker fares is `turnpike workers`' to tell.
    private static let hidden: Set<String> = ["tenant", "id", "createdAt", "status"]
    private static let last = ["labels", "revision", "updatedAt"]

    /// Resources of one kind, one a row: the name, what the kind itself says, then labels, revision and time.
    ///
    /// Columns are the members of the documents, so that a new kind needs nothing here. A member that is empty in all
    /// of them has no column.
    init(documents: [JSON], note: String? = nil) {
        var names = ["name"]
        for document in documents {
            for name in document.object?.names ?? [] where !names.contains(name) && !Table.hidden.contains(name) {
                names.append(name)
            }
        }
        names = names.filter { !Table.last.contains($0) } + Table.last.filter { names.contains($0) }
        names = names.filter { name in documents.contains { Table.cell($0[name]) != "" } }
        self.init(
            names.map { name in
                let isNumeric = documents.allSatisfy { $0[name]?.integer != nil }
                return Column(title: Table.title(of: name), alignment: isNumeric ? .right : .left)
            },
            rows: documents.map { document in names.map { Table.cell(document[$0]) } },
            note: note
        )
    }

    /// `displayName` as `display name`.
    static func title(of name: String) -> String {
        name.reduce(into: "") { title, character in
            if character.isUppercase { title += " " }
            title += character.lowercased()
        }
    }

    /// A value in one cell: scalars bare, lists with commas, objects as `name=value`. A text of several lines, as PEM is, is
    /// nothing for a table.
    static func cell(_ value: JSON?) -> String {
        if let lines = value?.string, lines.contains(where: \.isNewline) { return "" }
        let text = value.map(compact) ?? ""
        return text.count <= cellLimit ? text : text.prefix(cellLimit - 1) + "…"
    }

    private static func compact(_ value: JSON) -> String {
        switch value {
        case .null: ""
        case .string(let text): text
        case .array(let elements): elements.map(compact).joined(separator: ",")
        case .object(let object):
            object.members.map { member in
                let text = compact(member.value)
                return text.isEmpty ? member.name : "\(member.name)=\(text)"
            }.joined(separator: " ")
        case .bool, .integer, .number: value.text
        }
    }
}
