// SPDX-License-Identifier: Apache-2.0

/// A dictionary whose values lie in one array, so that they can be swept a few at a time: expiring costs a constant amount
/// with each insertion and never a pause.
struct SlotTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private var positions: [Key: Int] = [:]
    private(set) var keys: [Key] = []
    private var values: [Value] = []
    private var cursor = 0
    private var latest = 0

    var count: Int { values.count }

    func position(of key: Key) -> Int? { positions[key] }

    /// The position of a key that is likely to be that of the call before: then finding it takes one comparison.
    mutating func positionAgain(of key: Key) -> Int? {
        if latest < keys.count, keys[latest] == key { return latest }
        guard let position = positions[key] else { return nil }
        latest = position
        return position
    }

    subscript(position: Int) -> Value {
        get { values[position] }
        _modify { yield &values[position] }
    }

    /// - Precondition: the key is not there.
    mutating func insert(_ key: Key, _ value: Value) -> Int {
        positions[key] = values.count
        keys.append(key)
        values.append(value)
        return values.count - 1
    }

    /// Takes one out. The last value moves to its position.
    mutating func remove(at position: Int) {
        positions[keys[position]] = nil
        let last = values.count - 1
        if position < last {
            keys.swapAt(position, last)
            values.swapAt(position, last)
            positions[keys[position]] = position
        }
        keys.removeLast()
        values.removeLast()
    }

    /// The position to look at next in a round through all of them; nil where there are none.
    mutating func nextSwept() -> Int? {
        guard !values.isEmpty else { return nil }
        if cursor >= values.count { cursor = 0 }
        defer { cursor += 1 }
        return cursor
    }
}
