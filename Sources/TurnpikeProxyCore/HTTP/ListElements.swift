// SPDX-License-Identifier: Apache-2.0

/// The elements of a comma-separated field value (RFC 9110 §5.6.1), trimmed; empty ones are left out.
struct ListElements: Sequence, IteratorProtocol {
    private let bytes: UnsafeRawBufferPointer
    private var offset: Int
    private let end: Int

    init(_ value: ByteRange, in bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        offset = value.lowerBound
        end = Swift.min(value.upperBound, bytes.count)
    }

    mutating func next() -> UnsafeRawBufferPointer? {
        while offset < end {
            var start = offset
            while offset < end, bytes[offset] != ASCII.comma { offset += 1 }
            var stop = offset
            offset += 1
            while start < stop, ASCII.isWhitespace(bytes[start]) { start += 1 }
            while stop > start, ASCII.isWhitespace(bytes[stop - 1]) { stop -= 1 }
            if start < stop { return bytes[ByteRange(start, stop)] }
        }
        return nil
    }
}
