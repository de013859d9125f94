// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// A pattern for paths taken apart: what to look for, and where it lies. A class, so that to look at one holds it as a whole.
final class PathPlace: Sendable {
    /// What follows the literal segments.
    enum Form: Sendable {
        case exact
        /// Of a prefix that ends in a slash, something has to be below.
        case prefix(endsInSlash: Bool)
        case template([PathTemplate.Segment])
        case regex(PathExpression)
    }

    let form: Form
    /// The literal segments that it begins with, each behind a slash; of templates and regexes no more than the stem.
    let literals: [UInt8]
    let stem: PathStem

    convenience init(_ pattern: PathPattern) throws(RouteTable.Fault.Reason) {
        switch pattern {
        case .exact(let text):
            self.init(.exact, try PathTemplate(text, allowsParameters: false).literals)
        case .prefix(let text):
            let literals = try PathTemplate(text, allowsParameters: false).literals
            let endsInSlash = literals.last?.isEmpty ?? false
            self.init(.prefix(endsInSlash: endsInSlash), endsInSlash ? literals.dropLast() : literals)
        case .template(let text):
            let segments = try PathTemplate(text, allowsParameters: true).segments
            let literals = segments.prefix(PathStem.mostSegments).prefix { $0.literal != nil }.compactMap(\.literal)
            self.init(.template(Array(segments.dropFirst(literals.count))), literals)
        case .regex(let text):
            let expression: PathExpression
            do { expression = try PathExpression(text) } catch { throw .badExpression(error) }
            let stem = PathStem(literalsOf: expression)
            self.init(.regex(expression), stem, literals: stem.bytes)
        }
    }

    private convenience init(_ form: Form, _ segments: [[UInt8]]) {
        let stem = PathStem(segments)
        self.init(form, stem, literals: stem.depth == segments.count ? stem.bytes : PathStem.joined(segments))
    }

    private init(_ form: Form, _ stem: PathStem, literals: [UInt8]) {
        (self.form, self.stem, self.literals) = (form, stem, literals)
    }
}

/// The literal segments that the paths of a pattern begin with, up to eight of them. Requests of the same path have the same
/// ones, so that routes can be kept apart by them.
struct PathStem: Sendable {
    static let mostSegments = 8

    /// As paths begin with them: each segment behind a slash.
    let bytes: [UInt8]
    /// How many segments.
    let depth: Int

    init(_ literals: some Collection<[UInt8]>) {
        let literals = literals.prefix(Self.mostSegments)
        bytes = Self.joined(literals)
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

    static func joined(_ segments: some Collection<[UInt8]>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(segments.reduce(0) { $0 + 1 + $1.count })
        for segment in segments {
            bytes.append(ASCII.slash)
            bytes.append(contentsOf: segment)
        }
        return bytes
    }
}

extension PathTemplate.Segment {
    fileprivate var literal: [UInt8]? { if case .literal(let text) = self { text } else { nil } }
}
