// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Finds one line after the other in bytes that grow, looking at each byte once.
struct LineScanner: Sendable {
    enum Step {
        /// A line without its CRLF.
        case line(start: Int, end: Int)
        case incomplete
        /// More than the allowed bytes, and the line has not ended.
        case tooLong
        case bareLineFeed
    }

    /// Where the next line begins.
    private(set) var lineStart = 0
    private var searched = 0

    init(at offset: Int = 0) {
        lineStart = offset
        searched = offset
    }

    mutating func skip(_ count: Int) {
        lineStart += count
        searched = Swift.max(searched, lineStart)
    }

    /// The next line of at most `limit` bytes without its CRLF. Whether a line is too long does not depend on how the
    /// bytes arrived: it is told from the position of the line feed, or from its absence.
    @inline(__always)
    mutating func next(in bytes: UnsafeRawBufferPointer, limit: Int) -> Step {
        let farthest = lineStart + limit + 1  // where the line feed of the longest allowed line stands
        guard let found = Self.lineFeed(in: bytes, from: searched) else {
            searched = bytes.count
            return bytes.count > farthest ? .tooLong : .incomplete
        }
        guard found <= farthest else { return .tooLong }
        guard found > lineStart, bytes[found - 1] == ASCII.cr else { return .bareLineFeed }
        defer {
            lineStart = found + 1
            searched = found + 1
        }
        return .line(start: lineStart, end: found - 1)
    }

    @inline(__always)
    private static func lineFeed(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard start < bytes.count, let base = bytes.baseAddress else { return nil }
        // In bounds: start < count, and memchr is given exactly what remains.
        guard let found = memchr(base + start, CInt(ASCII.lf), bytes.count - start) else { return nil }
        return UnsafeRawPointer(found) - base
    }
}
