// SPDX-License-Identifier: Apache-2.0

/// The elements of a comma-separated field value (RFC 9110 §5.6.1) from the last to the first, trimmed; empty ones are left out.
/// Commas in quotes part nothing.
///
/// Quotes that do not close, further to the left, cannot hide what is well formed further to the right: that was read by then.
struct ListElementsFromEnd: Sequence, IteratorProtocol {
    private let bytes: UnsafeRawBufferPointer
    private let start: Int
    private var end: Int

    init(_ value: ByteRange, in bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        start = Swift.min(value.lowerBound, bytes.count)
        end = Swift.min(value.upperBound, bytes.count)
    }

    mutating func next() -> UnsafeRawBufferPointer? {
        while end > start {
            var (first, last) = (elementStart(), end)
            end = Swift.max(first - 1, start)
            while first < last, ASCII.isWhitespace(bytes[first]) { first += 1 }
            while last > first, ASCII.isWhitespace(bytes[last - 1]) { last -= 1 }
            if first < last { return bytes[ByteRange(first, last)] }
        }
        return nil
    }

    /// Where the last element begins: behind a comma, or with the value.
    private func elementStart() -> Int {
        var offset = end
        var isQuoted = false
        while offset > start {
            let byte = bytes[offset - 1]
            if byte == ASCII.comma, !isQuoted { break }
            offset -= 1
            if byte == ASCII.doubleQuote, !isEscaped(offset) { isQuoted.toggle() }
        }
        return offset
    }

    /// Whether a backslash makes the byte at an offset one like any other: an odd number of them stands before it.
    private func isEscaped(_ offset: Int) -> Bool {
        var before = offset
        while before > start, bytes[before - 1] == ASCII.backslash { before -= 1 }
        return (offset - before) % 2 == 1
    }
}
