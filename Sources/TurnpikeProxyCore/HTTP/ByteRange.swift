// SPDX-License-Identifier: Apache-2.0

/// A half-open range of offsets into bytes that somebody else holds.
///
/// Heads are kept as ranges instead of copies: eight bytes each, and no allocation. A range means something only
/// together with the bytes it was made from, or with the same bytes moved elsewhere.
public struct ByteRange: Sendable, Hashable, BitwiseCopyable {
    public let start: UInt32
    public let end: UInt32

    public static let empty = ByteRange(0, 0)

    /// - Precondition: `0 <= start <= end <= UInt32.max`.
    @inlinable
    public init(_ start: Int, _ end: Int) {
        precondition(start <= end)
        self.start = UInt32(start)
        self.end = UInt32(end)
    }

    @inlinable public var count: Int { Int(end) - Int(start) }
    @inlinable public var isEmpty: Bool { start == end }
    @inlinable public var lowerBound: Int { Int(start) }
    @inlinable public var upperBound: Int { Int(end) }
}

extension UnsafeRawBufferPointer {
    /// The bytes that `range` names.
    ///
    /// - Precondition: the range ends within these bytes; checked in release builds too.
    @inlinable @inline(__always)
    public subscript(range: ByteRange) -> UnsafeRawBufferPointer {
        precondition(range.upperBound <= count, "the range belongs to other bytes")
        guard !range.isEmpty, let baseAddress else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(start: baseAddress + range.lowerBound, count: range.count)
    }
}
