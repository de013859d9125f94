// SPDX-License-Identifier: Apache-2.0

/// The fields that the client has put into its table, the newest first (RFC 7541 §2.3.2, §4).
///
/// They lie one behind the other in one piece of memory, which begins empty, grows with them to at most twice the table's bound,
/// and moves them to its front when its end is reached.
struct HPACKDynamicTable: ~Copyable {
    private struct Entry {
        /// Where the name begins in `memory`; the value follows it.
        var start: UInt32
        var nameLength: UInt32
        var valueLength: UInt32

        var end: Int { Int(start) + Int(nameLength) + Int(valueLength) }
        /// What it counts for (§4.1).
        var size: Int { Int(nameLength) + Int(valueLength) + HPACKDynamicTable.overhead }
    }

    // Invariant: entries are the `count` elements of `ring` from `oldest` on, around its end, whose length is a power of two or
    // 0. Their bytes fill `memory[start..<end]` in that order. `size` is the sum of theirs, at most `bound`.
    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var start = 0
    private var end = 0
    private var ring = UnsafeMutableBufferPointer<Entry>(start: nil, count: 0)
    private var oldest = 0
    private(set) var count = 0
    /// Bytes of names and values, and 32 for each entry (§4.1).
    private(set) var size = 0
    /// What `size` does not exceed.
    private(set) var bound: Int

    private static var overhead: Int { 32 }

    /// - Parameter bound: less than 2³⁰.
    init(bound: Int) { self.bound = bound }

    deinit {
        memory.deallocate()
        ring.deallocate()
    }

    /// An entry in place, 0 being the newest; nil where there is none. Valid until the next change.
    @inline(__always)
    subscript(index: Int) -> HPACKField? {
        guard index < count, let bytes = memory.baseAddress else { return nil }
        let entry = ring[(oldest &+ count &- 1 &- index) & (ring.count &- 1)]
        let name = UnsafeRawPointer(bytes) + Int(entry.start)
        return HPACKField(
            name: UnsafeRawBufferPointer(start: name, count: Int(entry.nameLength)),
            value: UnsafeRawBufferPointer(start: name + Int(entry.nameLength), count: Int(entry.valueLength)))
    }

    /// Changes the bound, and evicts what exceeds it (§4.3).
    mutating func resize(to bound: Int) {
        self.bound = bound
        evict(downTo: bound)
    }

    /// Evicts what has to make room, and adds a field; one larger than the table leaves it empty (§4.4).
    ///
    /// - Parameters:
    ///   - name: may be that of an entry here, even of one that has to make room.
    ///   - value: not an entry's.
    mutating func insert(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        let entrySize = name.count + value.count + Self.overhead
        guard entrySize <= bound else { return evict(downTo: 0) }
        // Room comes before eviction: so a name of ours is moved with its entry, and nothing is written over it before it is
        // copied.
        let name = makeRoom(for: name.count + value.count, moving: name)
        evict(downTo: bound - entrySize)
        let entry = Entry(
            start: UInt32(end), nameLength: UInt32(name.count), valueLength: UInt32(value.count))
        append(name)
        append(value)
        append(entry)
    }

    private mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, let target = memory.baseAddress else { return }
        (target + end).copyMemory(from: source, byteCount: bytes.count)
        end += bytes.count
    }

    private mutating func append(_ entry: Entry) {
        if count == ring.count { growRing() }
        ring[(oldest + count) & (ring.count - 1)] = entry
        count += 1
        size += entry.size
    }

    private mutating func evict(downTo limit: Int) {
        while size > limit, count > 0 {
            let entry = ring[oldest]
            oldest = (oldest + 1) & (ring.count - 1)
            count -= 1
            size -= entry.size
            start = entry.end
        }
    }

    /// Sees to it that `memory` is there, and has `length` bytes behind its end.
    ///
    /// - Returns: where the name is now: elsewhere than before if it is an entry's.
    private mutating func makeRoom(
        for length: Int, moving name: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer {
        guard end + length >= memory.count else { return name }
        let used = end - start
        let place = self.place(of: name)
        // Entries and the new one are each smaller than `bound`: they fit into twice as much. Half of the memory is free after
        // each move but where that is all there may be, so that moves are rare.
        var moved = memory
        if memory.count < 2 * bound, memory.count < 2 * (used + length + 1) {
            let wanted = max(256, 2 * memory.count, 2 * (used + length + 1))
            moved = .allocate(byteCount: min(wanted, 2 * bound), alignment: 8)
        }
        moved.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[start..<end]))
        for index in 0..<count { ring[(oldest + index) & (ring.count - 1)].start -= UInt32(start) }
        if moved.baseAddress != memory.baseAddress { memory.deallocate() }
        memory = moved
        defer { (start, end) = (0, used) }
        guard let place else { return name }
        return UnsafeRawBufferPointer(rebasing: memory[place - start..<place - start + name.count])
    }

    /// Where in `memory` a name begins that is an entry's; nil if it is nobody's here.
    private func place(of name: UnsafeRawBufferPointer) -> Int? {
        guard let first = memory.baseAddress, let nameStart = name.baseAddress else { return nil }
        let place = UnsafeRawPointer(first).distance(to: nameStart)
        return start <= place && place + name.count <= end ? place : nil
    }

    private mutating func growRing() {
        let larger = UnsafeMutableBufferPointer<Entry>.allocate(capacity: max(8, 2 * ring.count))
        for index in 0..<count {
            larger.initializeElement(at: index, to: ring[(oldest + index) & (ring.count - 1)])
        }
        ring.deallocate()
        (ring, oldest) = (larger, 0)
    }
}
