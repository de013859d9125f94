// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// A text with variables, made ready to be written out for one request after the other.
struct TextExpansion: Sendable {
    private enum Piece: Sendable {
        case literal([UInt8])
        case path, query, host
        /// What stands at this place of the template.
        case part(Int)

        var beginsWithSlash: Bool { if case .literal(let text) = self { text.first == ASCII.slash } else { false } }
    }

    /// How the text is put together for paths of one shape.
    private struct Variant: Sendable {
        let map: SegmentMap?
        var pieces: [Piece]
    }

    /// What a request puts in the place of variables.
    struct Values {
        /// In normal form.
        let path: UnsafeRawBufferPointer
        /// Without `?`.
        let query: UnsafeRawBufferPointer?
        let host: UnsafeRawBufferPointer
    }

    /// One for each template that gives values, in the order in which the route names them; else a single one.
    private let variants: [Variant]
    private let literalCount: Int
    private let variableCount: Int

    /// - Parameters:
    ///   - variables: those that mean the request itself; all others are parameters of the route's templates.
    ///   - literal: brings literal text into the form in which it is to be written.
    ///   - paths: of the route.
    /// - Throws: `badParameter` where a variable is none of a redirect's and no parameter of all paths.
    init(
        _ template: TextTemplate, paths: [PathMatch], variables: [Redirect.Variable] = [],
        literal: (String) throws(RouteTable.Fault.Reason) -> [UInt8]
    ) throws(RouteTable.Fault.Reason) {
        let meanings = Dictionary(uniqueKeysWithValues: variables.map { ($0.rawValue, $0) })
        var variants: [Variant] = []
        for path in template.variables.contains(where: { meanings[$0] == nil }) ? paths : [] {
            guard case .template(let pattern) = path else { throw .badParameter }
            variants.append(try Self.variant(template, map: try SegmentMap(pattern), meanings, literal))
        }
        if variants.isEmpty { variants = [try Self.variant(template, map: nil, meanings, literal)] }
        self.variants = variants
        literalCount = template.text.utf8.count * 3
        variableCount = template.variables.count
    }

    private static func variant(
        _ template: TextTemplate, map: SegmentMap?, _ meanings: [String: Redirect.Variable],
        _ literal: (String) throws(RouteTable.Fault.Reason) -> [UInt8]
    ) throws(RouteTable.Fault.Reason) -> Variant {
        var variant = Variant(map: map, pieces: [])
        for piece in template.pieces {
            switch piece {
            case .literal(let text): variant.pieces.append(.literal(try literal(text)))
            case .variable(let name):
                switch meanings[name] {
                case .path: variant.pieces.append(.path)
                case .query: variant.pieces.append(.query)
                case .host: variant.pieces.append(.host)
                case nil:
                    guard let position = map?.position(of: name) else { throw .badParameter }
                    variant.pieces.append(.part(position))
                }
            }
        }
        return variant
    }

    /// Bytes that `write` writes at most.
    func sizeBound(_ values: Values) -> Int {
        let longest = max(values.path.count, (values.query?.count ?? 0) + 1, values.host.count)
        return literalCount + variableCount * longest
    }

    /// Writes the text out. Of several templates the first counts that the path has the shape of.
    func write(_ values: Values, to writer: inout ByteWriter) {
        let chosen = variants.count == 1 ? 0 : variants.firstIndex { $0.map?.fits(values.path) ?? true } ?? 0
        let pieces = variants[chosen].pieces
        for (place, piece) in pieces.enumerated() {
            switch piece {
            case .literal(let bytes): bytes.withUnsafeBytes { writer.append($0) }
            case .path: writer.append(values.path)
            case .host: writer.append(values.host)
            case .query:
                guard let query = values.query else { break }
                writer.append(ASCII.question)
                writer.append(query)
            case .part(let position):
                guard let map = variants[chosen].map else { break }
                var part = values.path[map.part(position, of: values.path)]
                // A greedy parameter may end with the path's last slash; what follows has its own.
                if part.last == ASCII.slash, place + 1 < pieces.count, pieces[place + 1].beginsWithSlash {
                    part = part[ByteRange(0, part.count - 1)]
                }
                writer.append(part)
            }
        }
    }
}
