// SPDX-License-Identifier: Apache-2.0

/// Parsing of one field line (RFC 9112 §5), the same for requests, responses and trailers.
enum FieldLine {
    /// Parses the line between two offsets, given without its CRLF.
    @inline(__always)
    static func parse(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) throws(HTTPFault) -> Field {
        guard start < end else { throw .missingColon }
        guard !ASCII.isWhitespace(bytes[start]) else { throw .foldedField }

        let colon = tokenEnd(bytes, from: start, to: end)
        guard colon < end else { throw .missingColon }
        guard bytes[colon] == ASCII.colon else {
            throw ASCII.isWhitespace(bytes[colon]) ? .spaceBeforeColon : .badFieldName
        }
        guard colon > start else { throw .badFieldName }

        var valueStart = colon + 1
        while valueStart < end, ASCII.isWhitespace(bytes[valueStart]) { valueStart += 1 }
        var valueEnd = end
        while valueEnd > valueStart, ASCII.isWhitespace(bytes[valueEnd - 1]) { valueEnd -= 1 }
        guard !hasControl(bytes, from: valueStart, to: valueEnd) else { throw .controlInValue }

        let name = ByteRange(start, colon)
        var known = KnownField(bytes[name])
        if known == .other { known = KnownField(resembledBy: bytes[name]) }
        return Field(name: name, value: ByteRange(valueStart, valueEnd), known: known)
    }

    /// Where the token that begins at an offset ends, at `end` at the latest.
    @inline(__always)
    static func tokenEnd(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) -> Int {
        var offset = start
        while offset + 8 <= end {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            let others = ByteWords.lettersAndDashes(word) ^ ByteWords.tops
            // As many bytes as stand before the first that is another.
            offset += others.trailingZeroBitCount / 8
            if others != 0 { break }
        }
        while offset < end, ASCII.isToken(bytes[offset]) { offset += 1 }
        return offset
    }

    /// Whether a control other than HTAB stands between two offsets.
    @inline(__always)
    static func hasControl(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) -> Bool {
        guard end - start >= 8 else { return hasControlBytewise(bytes, from: start, to: end) }
        var offset = start
        while true {
            let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            if ByteWords.mayHaveControl(word), hasControlBytewise(bytes, from: offset, to: offset + 8) { return true }
            if offset + 8 == end { return false }
            // The last word overlaps the one before.
            offset = min(offset + 8, end - 8)
        }
    }

    private static func hasControlBytewise(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) -> Bool {
        for offset in start..<end where ASCII.isControl(bytes[offset]) { return true }
        return false
    }
}
