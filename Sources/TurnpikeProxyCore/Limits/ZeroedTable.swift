// SPDX-License-Identifier: Apache-2.0

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Atomic words of a fixed number, all zero at first. A large table costs memory only where it was touched.
final class ZeroedTable<Word: AtomicRepresentable & FixedWidthInteger>: @unchecked Sendable {
    // Invariant: the memory belongs to the object, is never moved, and is touched atomically only.

    private static var lineBytes: Int { 64 }

    private let memory: UnsafeMutableRawPointer?
    private let words: UnsafeMutablePointer<Atomic<Word>>

    /// - Parameter count: at least 1.
    init(count: Int) {
        // An atomic word is laid out as a plain one. `calloc` gets large pieces from the kernel, which zeroes them page by
        // page when they are first touched; that it aligns them by less than a cache line is made up for.
        memory = calloc(1, count * MemoryLayout<Atomic<Word>>.stride + Self.lineBytes)
        let start = UInt(bitPattern: memory)
        let aligned = (start + UInt(Self.lineBytes) - 1) & ~(UInt(Self.lineBytes) - 1)
        guard let memory else { preconditionFailure("no memory for a table of \(count) words") }
        words = memory.advanced(by: Int(aligned - start)).bindMemory(to: Atomic<Word>.self, capacity: count)
    }

    deinit { free(memory) }

    subscript(place: Int) -> Atomic<Word> {
        @inline(__always) _read { yield words[place] }
    }
}
