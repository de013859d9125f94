// SPDX-License-Identifier: Apache-2.0

/// An array in many small pieces, so that a changed copy shares all but the pieces that the change falls into with what it was
/// copied from. What ``ShardedMap`` is to dictionaries, for elements by small numbers.
struct PiecedArray<Element: Sendable>: Sendable {
    /// Elements of a piece; a power of two.
    private static var pieceSize: Int { 64 }

    private var pieces: [[Element]] = []

    private(set) var count = 0

    var indices: Range<Int> { 0..<count }

    /// In the order of their numbers.
    var values: some Collection<Element> { pieces.lazy.joined() }

    @inline(__always)
    subscript(index: Int) -> Element {
        get {
            let place = UInt(bitPattern: index)
            return pieces[Int(bitPattern: place / UInt(Self.pieceSize))][Int(bitPattern: place % UInt(Self.pieceSize))]
        }
        // In place, so that what is within an element is not copied for a change.
        _modify { yield &pieces[index / Self.pieceSize][index % Self.pieceSize] }
    }

    init() {}

    init(repeating element: Element, count: Int) {
        for _ in 0..<count { append(element) }
    }

    mutating func append(_ element: Element) {
        if count % Self.pieceSize == 0 { pieces.append([]) }
        pieces[pieces.count - 1].append(element)
        count += 1
    }
}
