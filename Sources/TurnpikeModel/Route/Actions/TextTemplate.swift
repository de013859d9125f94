// SPDX-License-Identifier: Apache-2.0

/// Text with variables in braces: `https://new.acme.test{path}{query}`.
public struct TextTemplate: Sendable, Hashable {
    public enum Piece: Sendable, Hashable {
        case literal(String)
        case variable(String)
    }

    public let text: String
    public let pieces: [Piece]

    public var variables: [String] {
        pieces.compactMap { if case .variable(let name) = $0 { name } else { nil } }
    }

    /// Text without variables, whatever it holds.
    public init(literal text: String) {
        self.text = text
        pieces = text.isEmpty ? [] : [.literal(text)]
    }

    /// Nil where braces are not closed, nested or empty, or a name is more than letters, digits, `_` and `-`.
    public init?(_ text: String) {
        var pieces: [Piece] = []
        var rest = text[...]
        while let open = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            guard rest[open] == "{", let close = rest[open...].firstIndex(of: "}") else { return nil }
            let name = rest[rest.index(after: open)..<close]
            guard !name.isEmpty,
                name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") })
            else { return nil }
            if open > rest.startIndex { pieces.append(.literal(String(rest[..<open]))) }
            pieces.append(.variable(String(name)))
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { pieces.append(.literal(String(rest))) }
        self.text = text
        self.pieces = pieces
    }
}
