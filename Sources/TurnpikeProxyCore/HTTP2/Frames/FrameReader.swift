// SPDX-License-Identifier: Apache-2.0

/// Takes what comes over one connection apart into frames, wherever its pieces end. Confined to its loop.
final class FrameReader {
    /// A frame that came in part.
    private var partial: [UInt8] = []

    /// Reads one frame from the front of what came, or keeps what there is of it.
    ///
    /// - Parameter take: told of a whole frame, whose payload is good until it returns.
    func read(
        _ rest: inout UnsafeRawBufferPointer,
        _ take: (FrameHeader, UnsafeRawBufferPointer) throws(HTTP2ErrorCode) -> Void
    ) throws(HTTP2ErrorCode) {
        guard partial.isEmpty else { return try readPartial(&rest, take) }
        guard rest.count >= FrameHeader.byteCount else { return keep(&rest, rest.count) }
        let header = FrameHeader(rest)
        guard header.length <= FrameHeader.mostPayload else { throw .frameSizeError }
        let end = FrameHeader.byteCount + header.length
        guard rest.count >= end else { return keep(&rest, rest.count) }
        let payload = UnsafeRawBufferPointer(rebasing: rest[FrameHeader.byteCount..<end])
        rest = UnsafeRawBufferPointer(rebasing: rest[end...])
        try take(header, payload)
    }

    /// Completes the frame that came in part with no more than it takes.
    private func readPartial(
        _ rest: inout UnsafeRawBufferPointer,
        _ take: (FrameHeader, UnsafeRawBufferPointer) throws(HTTP2ErrorCode) -> Void
    ) throws(HTTP2ErrorCode) {
        keep(&rest, FrameHeader.byteCount - partial.count)
        guard partial.count >= FrameHeader.byteCount else { return }
        let header = partial.withUnsafeBytes { FrameHeader($0) }
        guard header.length <= FrameHeader.mostPayload else { throw .frameSizeError }
        keep(&rest, FrameHeader.byteCount + header.length - partial.count)
        guard partial.count == FrameHeader.byteCount + header.length else { return }
        let whole = partial
        partial = []
        try whole.withBytes { bytes throws(HTTP2ErrorCode) in
            try take(header, UnsafeRawBufferPointer(rebasing: bytes[FrameHeader.byteCount...]))
        }
    }

    /// Reads what a client says before any frame.
    ///
    /// - Returns: whether all of it has come.
    func readPreface(_ rest: inout UnsafeRawBufferPointer) throws(HTTP2ErrorCode) -> Bool {
        keep(&rest, HTTP2Preface.text.utf8CodeUnitCount - partial.count)
        let expected = UnsafeRawBufferPointer(start: HTTP2Preface.text.utf8Start, count: partial.count)
        guard partial.elementsEqual(expected) else { throw .protocolError }
        guard partial.count == HTTP2Preface.text.utf8CodeUnitCount else { return false }
        partial = []
        return true
    }

    private func keep(_ rest: inout UnsafeRawBufferPointer, _ count: Int) {
        guard count > 0 else { return }
        let piece = rest.prefix(count)
        partial.append(contentsOf: piece)
        rest = UnsafeRawBufferPointer(rebasing: rest[piece.count...])
    }
}

extension [UInt8] {
    /// As `withUnsafeBytes`, which forgets what `body` throws.
    func withBytes(
        _ body: (UnsafeRawBufferPointer) throws(HTTP2ErrorCode) -> Void
    ) throws(HTTP2ErrorCode) {
        let outcome = withUnsafeBytes { bytes in Result { () throws(HTTP2ErrorCode) in try body(bytes) } }
        try outcome.get()
    }
}
