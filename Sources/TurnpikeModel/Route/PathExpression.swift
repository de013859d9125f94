// SPDX-License-Identifier: Apache-2.0

/// A regular expression over paths, matched in time that grows with the length of the path and nothing else.
///
/// Supported: literals, `.`, classes (`[a-z]`, `[^/]`, `\d \w \s` and their opposites), groups (`(…)`, `(?:…)`,
/// `(?<name>…)`), `|`, `* + ? {m} {m,} {m,n}` and their reluctant forms. Not supported, and refused when the
/// expression is made: back references, look-around, flags, inner anchors, text beyond ASCII (paths are
/// percent-encoded). At most 256 bytes, and 256 characters once counted repetitions are written out.
///
/// Glushkov's construction: every character of the pattern is a position, and a match carries the set of positions it
/// may be at. There is nothing to backtrack, so no pattern can be slow; nothing is allocated, and no String is made.
public struct PathExpression: Sendable {
    /// Why a pattern is not taken.
    public enum Fault: Error, Sendable, Hashable, CustomStringConvertible {
        case tooLong
        case notASCII
        case tooComplex
        case unbalancedGroup
        case badRepetition
        case badRange
        case unsupported(String)

        public var description: String {
            switch self {
            case .tooLong: "is longer than 256 bytes"
            case .notASCII: "holds characters that are not visible ASCII"
            case .tooComplex: "is too complex"
            case .unbalancedGroup: "ends within a group, class or escape, or closes one that is not open"
            case .badRepetition: "has a repetition of nothing or a bad count"
            case .badRange: "has a bad range of characters"
            case .unsupported(let what): "uses \(what), which is not supported"
            }
        }
    }

    private let isNullable: Bool
    private let first: PositionSet
    private let last: PositionSet
    /// By position: where a match may be after it.
    private let follow: [PositionSet]
    /// By character: the positions that take it.
    private let taking: [PositionSet]

    public init(_ pattern: String) throws(Fault) {
        var builder = Builder()
        let whole = try builder.add(try PathExpressionSyntax.parse(pattern))
        isNullable = whole.isNullable
        first = whole.first
        last = whole.last
        follow = builder.follow
        taking = builder.taking
    }

    /// Whether the whole path matches.
    public func matches(_ path: UnsafeRawBufferPointer) -> Bool {
        guard !path.isEmpty else { return isNullable }
        var reachable = first
        var current = PositionSet()
        for byte in path {
            guard byte < 128 else { return false }
            current = reachable
            current.formIntersection(taking[Int(byte)])
            guard !current.isEmpty else { return false }
            reachable = PositionSet()
            current.forEach { reachable.formUnion(follow[$0]) }
        }
        return current.intersects(last)
    }

    /// What every path that matches begins with.
    public var literalStart: [UInt8] {
        // By position: the one character that it takes; nil where there are several.
        var only = [UInt8?](repeating: nil, count: follow.count)
        var isTaken = [Bool](repeating: false, count: follow.count)
        for byte in UInt8(0)..<128 {
            taking[Int(byte)].forEach { position in
                only[position] = isTaken[position] ? nil : byte
                isTaken[position] = true
            }
        }
        var start: [UInt8] = []
        var next = isNullable ? nil : first.only
        while let position = next, let byte = only[position], start.count < PositionSet.capacity {
            start.append(byte)
            next = last.intersects(PositionSet(position)) ? nil : follow[position].only
        }
        return start
    }

    private struct Builder {
        struct Part {
            var isNullable: Bool
            var first = PositionSet()
            var last = PositionSet()
        }

        var follow: [PositionSet] = []
        var taking = [PositionSet](repeating: PositionSet(), count: 128)
        /// Repetitions of what is empty make no positions; this bounds them as well.
        private var steps = 0

        mutating func add(_ syntax: PathExpressionSyntax) throws(Fault) -> Part {
            steps += 1
            guard steps <= 4096 else { throw .tooComplex }
            switch syntax {
            case .characters(let set): return try addPosition(set)
            case .sequence(let parts):
                var whole = Part(isNullable: true)
                for part in parts { whole = join(whole, try add(part)) }
                return whole
            case .alternatives(let parts):
                var whole = Part(isNullable: false)
                for part in parts {
                    let part = try add(part)
                    whole.isNullable = whole.isNullable || part.isNullable
                    whole.first.formUnion(part.first)
                    whole.last.formUnion(part.last)
                }
                return whole
            case .repeated(let inner, let least, let most):
                return try addRepeated(inner, atLeast: least, atMost: most)
            }
        }

        private mutating func addPosition(_ set: CharacterSet128) throws(Fault) -> Part {
            guard follow.count < PositionSet.capacity else { throw .tooComplex }
            let position = PositionSet(follow.count)
            follow.append(PositionSet())
            for byte in UInt8(0)..<128 where set.contains(byte) { taking[Int(byte)].formUnion(position) }
            return Part(isNullable: false, first: position, last: position)
        }

        private mutating func join(_ left: Part, _ right: Part) -> Part {
            connect(left.last, to: right.first)
            return Part(
                isNullable: left.isNullable && right.isNullable,
                first: left.isNullable ? left.first.union(right.first) : left.first,
                last: right.isNullable ? left.last.union(right.last) : right.last
            )
        }

        private mutating func connect(_ from: PositionSet, to targets: PositionSet) {
            from.forEach { follow[$0].formUnion(targets) }
        }

        private mutating func addRepeated(
            _ inner: PathExpressionSyntax, atLeast least: Int, atMost most: Int?
        ) throws(Fault) -> Part {
            var whole = Part(isNullable: true)
            for copy in 0..<(most ?? max(least, 1)) {
                var part = try add(inner)
                let isLoop = most == nil && copy == max(least, 1) - 1
                if isLoop { connect(part.last, to: part.first) }
                if copy >= least { part.isNullable = true }
                whole = join(whole, part)
            }
            return whole
        }
    }
}
