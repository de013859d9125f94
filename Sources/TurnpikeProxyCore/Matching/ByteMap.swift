// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A map from (scope, bytes) to a number: open addressing in two flat arrays, at most half full, looked up from bytes
/// where they lie. One map holds the edges of all tries of a table; the scope is the node they leave.
struct ByteMap: Sendable {
    private struct Slot {
        var hash: UInt64 = 0
        var keyStart: UInt32 = 0
        var keyCount: UInt32 = 0
        var scope: UInt32 = 0
        /// Zero marks a free slot.
        var value: UInt32 = 0
    }

    /// Shared by all maps without entries, of which tables have several.
    private static let none = [Slot()]

    private var slots = none
    private var keys: [UInt8] = []
    private(set) var count = 0
    private let hasher: ByteHash

    init(seed: UInt64) { hasher = ByteHash(seed: seed) }

    /// Makes room for keys of so many bytes in all. To be called while there are none.
    mutating func reserve(_ entries: Int, bytes: Int) {
        guard count == 0, entries > 0 else { return }
        let size = 1 << (Int.bitWidth - (2 * entries - 1).leadingZeroBitCount)
        slots = [Slot](repeating: Slot(), count: size)
        keys.reserveCapacity(bytes)
    }

    /// Takes a pair, or gives the value that its key has already.
    ///
    /// - Parameter value: not zero.
    mutating func insert(_ key: [UInt8], scope: UInt32, value: UInt32) -> UInt32? {
        key.withUnsafeBytes { insert($0, scope: scope, value: value) }
    }

    mutating func insert(_ key: UnsafeRawBufferPointer, scope: UInt32, value: UInt32) -> UInt32? {
        insert(key, hash: hasher.hash(key, scope: scope, foldingCase: false), scope: scope, value: value)
    }

    /// The same for a key whose hash by the map's seed is known.
    mutating func insert(_ key: UnsafeRawBufferPointer, hash: UInt64, scope: UInt32, value: UInt32) -> UInt32? {
        precondition(value != 0, "zero marks free slots")
        if let present = find(key, hash: hash, scope: scope) { return present }
        if 2 * (count + 1) > slots.count { grow() }
        place(
            Slot(
                hash: hash, keyStart: UInt32(keys.count), keyCount: UInt32(key.count), scope: scope, value: value
            ))
        keys.append(contentsOf: key)
        count += 1
        return nil
    }

    /// The value of a key, or nil. With `foldingCase`, upper-case letters find keys in lower case.
    @inline(__always)
    func find(_ key: UnsafeRawBufferPointer, scope: UInt32, foldingCase: Bool = false) -> UInt32? {
        find(
            key, hash: hasher.hash(key, scope: scope, foldingCase: foldingCase), scope: scope, foldingCase: foldingCase)
    }

    /// The same for a key whose hash by the map's seed is known.
    @inline(__always)
    func find(_ key: UnsafeRawBufferPointer, hash: UInt64, scope: UInt32, foldingCase: Bool = false) -> UInt32? {
        let mask = slots.count - 1
        var position = Int(truncatingIfNeeded: hash) & mask
        while slots[position].value != 0 {
            let slot = slots[position]
            if slot.hash == hash, slot.scope == scope, isKey(slot, key, foldingCase: foldingCase) { return slot.value }
            position = (position + 1) & mask
        }
        return nil
    }

    @inline(__always)
    private func isKey(_ slot: Slot, _ key: UnsafeRawBufferPointer, foldingCase: Bool) -> Bool {
        guard Int(slot.keyCount) == key.count else { return false }
        return keys.withUnsafeBytes { keys in
            let stored = keys[ByteRange(Int(slot.keyStart), Int(slot.keyStart) + Int(slot.keyCount))]
            if foldingCase { return stored.equalsIgnoringCase(key) }
            guard let left = stored.baseAddress, let right = key.baseAddress else { return true }
            // In bounds: both have key.count bytes.
            return memcmp(left, right, key.count) == 0
        }
    }

    private mutating func grow() {
        let old = slots
        slots = [Slot](repeating: Slot(), count: 2 * old.count)
        for slot in old where slot.value != 0 { place(slot) }
    }

    private mutating func place(_ slot: Slot) {
        let mask = slots.count - 1
        var position = Int(truncatingIfNeeded: slot.hash) & mask
        while slots[position].value != 0 { position = (position + 1) & mask }
        slots[position] = slot
    }
}
