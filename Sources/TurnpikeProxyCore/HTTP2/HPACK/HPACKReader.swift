// SPDX-License-Identifier: Apache-2.0

/// Walks over the bytes of a header block (RFC 7541 §5).
struct HPACKReader {
    // Invariant: `next <= end`, both in one block, whose bytes stay valid for as long as the reader is used.
    private var next: UnsafeRawPointer
    private let end: UnsafeRawPointer

    /// Further bytes of an integer that are read at most. Whatever has more of them counts more than a block can hold.
    private static var longestTail: UInt64 { 5 }

    init(start: UnsafeRawPointer, count: Int) {
        next = start
        end = start + count
    }

    /// The byte that says what follows; nil at the end of the block.
    @inline(__always)
    var peek: UInt8? { next == end ? nil : next.load(as: UInt8.self) }

    @inline(__always)
    mutating func byte() throws(HPACKFault) -> UInt8 {
        guard next < end else { throw .truncated }
        let byte = next.load(as: UInt8.self)
        next += 1
        return byte
    }

    /// An integer (§5.1), less than 2³⁶.
    ///
    /// - Parameter mask: the bits of the first byte that belong to it, all of them at its low end.
    @inline(__always)
    mutating func integer(_ mask: UInt8) throws(HPACKFault) -> Int {
        let prefix = try byte() & mask
        return prefix < mask ? Int(prefix) : try longInteger(from: Int(mask))
    }

    @inline(never)
    private mutating func longInteger(from prefix: Int) throws(HPACKFault) -> Int {
        var value = prefix
        for place in 0..<Self.longestTail {
            let byte = try byte()
            value &+= Int(byte & 0x7F) &<< Int(7 &* place)
            if byte < 0x80 { return value }
        }
        throw .integerTooLong
    }

    /// The next bytes, in place.
    @inline(__always)
    mutating func bytes(_ count: Int) throws(HPACKFault) -> UnsafeRawBufferPointer {
        guard count <= end - next else { throw .truncated }
        defer { next += count }
        return UnsafeRawBufferPointer(start: next, count: count)
    }
}
