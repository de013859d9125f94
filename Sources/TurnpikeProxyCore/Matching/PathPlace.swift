// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// A pattern for paths taken apart: what to look for, and where it lies.
struct PathPlace {
    enum Form {
        case exact([UInt8])
        /// Of a prefix that ends in a slash, something has to be below.
        case prefix([[UInt8]], endsInSlash: Bool)
        case template([PathTemplate.Segment])
        case regex(PathExpression)
    }

    let form: Form
    let stem: PathStem

    init(_ pattern: PathPattern) throws(RouteTable.Fault.Reason) {
        switch pattern {
        case .exact(let text):
            let literals = try PathTemplate(text, allowsParameters: false).literals
            form = .exact(literals.reduce(into: []) { $0 += [ASCII.slash] + $1 })
            stem = PathStem(literals)
        case .prefix(let text):
            let literals = try PathTemplate(text, allowsParameters: false).literals
            let endsInSlash = literals.last?.isEmpty ?? false
            let whole = endsInSlash ? Array(literals.dropLast()) : literals
            form = .prefix(whole, endsInSlash: endsInSlash)
            stem = PathStem(whole)
        case .template(let text):
            let segments = try PathTemplate(text, allowsParameters: true).segments
            form = .template(segments)
            stem = PathStem(
                segments.prefix(PathStem.mostSegments).map { if case .literal(let text) = $0 { text } else { nil } }
                    .prefix { $0 != nil }.compactMap(\.self))
        case .regex(let text):
            let expression: PathExpression
            do { expression = try PathExpression(text) } catch { throw .badExpression(error) }
            form = .regex(expression)
            stem = PathStem(literalsOf: expression)
        }
    }
}

/// The literal segments that the paths of a pattern begin with, up to eight of them. Requests of the same path have the same
/// ones, so that routes can be kept apart by them.
struct PathStem {
    static let mostSegments = 8

    /// As paths begin with them: each segment behind a slash.
    let bytes: [UInt8]
    /// How many segments.
    let depth: Int

    init(_ literals: some Collection<[UInt8]>) {
        let literals = literals.prefix(Self.mostSegments)
        bytes = literals.reduce(into: []) { $0 += [ASCII.slash] + $1 }
        depth = literals.count
    }

    /// What stands before the last slash of its literal start.
    init(literalsOf expression: PathExpression) {
        let start = expression.literalStart
        let slashes = start.indices.filter { start[$0] == ASCII.slash }.prefix(Self.mostSegments + 1)
        // One that begins otherwise matches no path at all.
        let isPath = start.first == ASCII.slash
        bytes = isPath ? Array(start.prefix(slashes.last ?? 0)) : []
        depth = isPath ? slashes.count - 1 : 0
    }
}
