// SPDX-License-Identifier: Apache-2.0

/// A set of numbers below 256, in four words.
struct PositionSet: Sendable, Equatable {
    static let capacity = 256

    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    init() {}

    init(_ position: Int) {
        let bit: UInt64 = 1 << UInt64(position & 63)
        switch position >> 6 {
        case 0: words.0 = bit
        case 1: words.1 = bit
        case 2: words.2 = bit
        default: words.3 = bit
        }
    }

    var isEmpty: Bool { words.0 | words.1 | words.2 | words.3 == 0 }

    /// The number that is its only one.
    var only: Int? {
        var found: Int?
        var count = 0
        forEach { number in (found, count) = (number, count + 1) }
        return count == 1 ? found : nil
    }

    mutating func formUnion(_ other: PositionSet) {
        words.0 |= other.words.0
        words.1 |= other.words.1
        words.2 |= other.words.2
        words.3 |= other.words.3
    }

    mutating func formIntersection(_ other: PositionSet) {
        words.0 &= other.words.0
        words.1 &= other.words.1
        words.2 &= other.words.2
        words.3 &= other.words.3
    }

    func union(_ other: PositionSet) -> PositionSet {
        var result = self
        result.formUnion(other)
        return result
    }

    func intersects(_ other: PositionSet) -> Bool {
        var result = self
        result.formIntersection(other)
        return !result.isEmpty
    }

    @inline(__always)
    func forEach(_ body: (Int) -> Void) {
        Self.forEach(words.0, 0, body)
        Self.forEach(words.1, 64, body)
        Self.forEach(words.2, 128, body)
        Self.forEach(words.3, 192, body)
    }

    @inline(__always)
    private static func forEach(_ word: UInt64, _ offset: Int, _ body: (Int) -> Void) {
        var rest = word
        while rest != 0 {
            body(offset + rest.trailingZeroBitCount)
            rest &= rest - 1
        }
    }

    static func == (left: PositionSet, right: PositionSet) -> Bool { left.words == right.words }
}
