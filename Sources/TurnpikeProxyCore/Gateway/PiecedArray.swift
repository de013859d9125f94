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
    var values: some Sequence<Element> { pieces.lazy.joined() }

    @inline(__always)
    subscript(index: Int) -> Element {
        get {
            let place = UInt(bitPattern: index)
            return pieces[Int(bitPattern: place / UInt(Self.pieceSize))][Int(bitPattern: place % UInt(Self.pieceSize))]
        }
        set { pieces[index / Self.pieceSize][index % Self.pieceSize] = newValue }
    }

    mutating func append(_ element: Element) {
        if count % Self.pieceSize == 0 { pieces.append([]) }
        pieces[pieces.count - 1].append(element)
        count += 1
    }
}
