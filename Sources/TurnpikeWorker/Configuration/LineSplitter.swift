// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Cuts bytes that come in pieces of any size into lines, none longer than a bound.
struct LineSplitter: Sendable {
    private var buffer: [UInt8] = []
    /// Where the unread part of the buffer begins.
    private var start = 0
    /// Up to where the unread part has been searched for a newline.
    private var searched = 0
    let maximumBytes: Int

    /// - Parameter maximumBytes: the longest line, newline included.
    init(maximumBytes: Int) { self.maximumBytes = maximumBytes }

    mutating func append(_ bytes: some Sequence<UInt8>) {
        if start > 0 {
            buffer.removeFirst(start)
            searched -= start
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next whole line without its newline; `nil` where more bytes are needed.
    ///
    /// - Throws: `malformedRequest` for a line that is too long, whole or not.
    mutating func next() throws(TurnpikeError) -> ArraySlice<UInt8>? {
        guard let newline = buffer[searched...].firstIndex(of: 0x0A) else {
            searched = buffer.count
            guard buffer.count - start < maximumBytes else { throw tooLong }
            return nil
        }
        guard newline - start < maximumBytes else { throw tooLong }
        defer {
            start = newline + 1
            searched = start
        }
        return buffer[start..<newline]
    }

    /// Whether a line has begun that has not ended.
    var hasRest: Bool { start < buffer.count }

    private var tooLong: TurnpikeError {
        TurnpikeError(.malformedRequest, "A line has more than \(maximumBytes) bytes.")
    }
}
