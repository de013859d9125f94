// SPDX-License-Identifier: Apache-2.0

/// Bytes on their way out, written once and kept in one piece of memory that is used again for each request.
///
/// Confined to one event loop.
final class ByteStage {
    // Invariant: the first `count` bytes of `memory` are initialised; the rest may be written to.
    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private(set) var count = 0

    deinit { memory.deallocate() }

    /// Valid until the next change.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }

    /// Bytes that it holds without growing.
    var capacity: Int { memory.count }

    func removeAll() { count = 0 }

    /// Forgets what lies behind the first `length` bytes.
    func truncate(to length: Int) { count = min(count, length) }

    func append(_ bytes: UnsafeRawBufferPointer) -> ByteRange {
        write(atMost: bytes.count) { $0.append(bytes) }
    }

    /// Appends what `body` writes. What does not fit into `bound` is cut off; the writers' bounds see to it that all fits.
    func write(atMost bound: Int, _ body: (inout ByteWriter) -> Void) -> ByteRange {
        reserve(bound)
        var writer = ByteWriter(UnsafeMutableRawBufferPointer(rebasing: memory[count..<count + bound]))
        body(&writer)
        let start = count
        count += writer.count
        return ByteRange(start, count)
    }

    /// Writes over bytes that are there already, as many as `body` writes.
    func overwrite(from offset: Int, count length: Int, _ body: (inout ByteWriter) -> Void) {
        guard offset >= 0, offset + length <= count else { return }
        var writer = ByteWriter(UnsafeMutableRawBufferPointer(rebasing: memory[offset..<offset + length]))
        body(&writer)
    }

    /// Gives memory back that one large head needed and the next thousand will not.
    func trim(above bound: Int) {
        guard count == 0, memory.count > bound else { return }
        memory.deallocate()
        memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }

    private func reserve(_ additional: Int) {
        let needed = count + additional
        guard needed > memory.count else { return }
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(needed, 2 * memory.count, 1024), alignment: 8)
        larger.copyMemory(from: bytes)
        memory.deallocate()
        memory = larger
    }
}
