// SPDX-License-Identifier: Apache-2.0

/// A list that is filled and emptied over and over: emptying it sets a number, and leaves the storage as it is.
///
/// What was in it before stays in memory until it is written over, so elements are plain values that hold nothing.
struct RefilledList<Element: BitwiseCopyable & Sendable>: Sendable {
    // Invariant: the first `count` elements are those of the list; the others are left from before.
    private var storage: [Element] = []
    private(set) var count = 0

    init(capacity: Int = 0) { storage.reserveCapacity(capacity) }

    var isEmpty: Bool { count == 0 }
    var indices: Range<Int> { 0..<count }

    subscript(index: Int) -> Element {
        precondition(index < count, "behind the list's end")
        return storage[index]
    }

    @inline(__always)
    mutating func append(_ element: Element) {
        if count < storage.count { storage[count] = element } else { storage.append(element) }
        count += 1
    }

    mutating func removeAll() { count = 0 }

    /// Its elements as they are now.
    var elements: ArraySlice<Element> { storage[..<count] }
}
