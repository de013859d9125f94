// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import TurnpikeControl
import TurnpikeModel

/// What a list is asked for: `limit`, `cursor`, `label=key:value`, and any top-level field of the documents that
/// holds neither a list nor an object.
struct ListParameters {
    private let limit: Int
    private let labels: Labels
    private let fields: [(name: String, value: String)]
    private let after: String?
    private let question: String
    private let filters: String

    /// - Throws: `invalidParameter`, `invalidCursor`.
    init(_ request: Request, kind: Kind) throws(TurnpikeError) {
        limit = try request.integer("limit", in: 1...1000, default: 100)
        var fields: [(name: String, value: String)] = []
        var filters: [String] = []
        for (name, value) in request.uri.queryParameters.map({ (String($0.key), String($0.value)) }) {
            switch name {
            case "limit", "cursor", "minRevision": continue
            case "label": break
            default:
                let filter = try FieldFilter(name, value, kind: kind)
                fields.append((filter.name, filter.value))
            }
            filters.append("\(name)=\(value.percentEncoded)")
        }
        labels = try request.labels()
        self.fields = fields
        self.filters = filters.sorted().joined(separator: "&")
        question = "\(request.uri.path)?\(self.filters)"
        after = try request.parameter("cursor").map { text throws(TurnpikeError) in
            guard
                let name = try Cursor(
                    text: text, question: "\(request.uri.path)?\(filters.sorted().joined(separator: "&"))"
                ).place.string
            else {
                throw TurnpikeError(.invalidCursor, "The cursor is damaged.")
            }
            return name
        }
    }

    var listQuery: ListQuery { ListQuery(labels: labels, fields: fields, after: after, limit: limit) }

    /// The path of the next page.
    func path(after place: JSON) -> String {
        let cursor = Cursor(place: place, question: question).text
        return question + (filters.isEmpty ? "" : "&") + "limit=\(limit)&cursor=\(cursor)"
    }
}

extension String {
    /// Percent-encoded for a query's value.
    var percentEncoded: String {
        utf8.map { byte in
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || byte == 0x2D || byte == 0x2E || byte == 0x5F || byte == 0x7E
            return isPlain
                ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }
}
