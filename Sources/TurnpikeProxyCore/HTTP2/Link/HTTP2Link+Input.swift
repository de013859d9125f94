// SPDX-License-Identifier: Apache-2.0

// Header blocks and content that come (RFC 9113 §6.1, §6.2, §6.10, §8.1).
extension HTTP2Link {
    // MARK: - Heads

    func takeHeaders(_ header: FrameHeader, _ payload: UnsafeRawBufferPointer) throws(HTTP2ErrorCode) {
        guard header.stream & 1 == 1 else { throw .protocolError }
        var piece = try unpadded(header, payload)
        if header.flags.contains(.priority) {
            guard piece.count >= 5 else { throw .frameSizeError }
            piece = UnsafeRawBufferPointer(rebasing: piece[5...])
        }
        let endsStream = header.flags.contains(.endStream)
        guard !header.flags.contains(.endHeaders) else {
            return try takeBlock(piece, stream: header.stream, endsStream: endsStream)
        }
        block = Array(piece)
        openBlock = OpenBlock(stream: header.stream, endsStream: endsStream, deadline: now + limits.headTimeout)
    }

    /// A head that does not come to an end is cut off (CVE-2024-27316).
    func takeContinuation(_ header: FrameHeader, _ payload: UnsafeRawBufferPointer) throws(HTTP2ErrorCode) {
        guard var open = openBlock else { throw .protocolError }
        block += payload
        open.frames += 1
        guard block.count <= limits.head.headBytes, open.frames <= HTTP2Patience.framesOfHead else {
            throw .enhanceYourCalm
        }
        openBlock = open
        guard header.flags.contains(.endHeaders) else { return }
        openBlock = nil
        let whole = block
        block = []
        try whole.withBytes { bytes throws(HTTP2ErrorCode) in
            try takeBlock(bytes, stream: open.stream, endsStream: open.endsStream)
        }
    }

    func decode(
        _ block: UnsafeRawBufferPointer, _ field: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void
    ) throws(HTTP2ErrorCode) {
        do { try decoder.decode(block, field) } catch { throw HTTP2ErrorCode.compressionError }
    }

    /// Something for a stream that is over: on its way since before the other side knew, or sent against the rules.
    func strayed(on id: UInt32) throws(HTTP2ErrorCode) {
        try patience.idleFrame(now: now)
        output.reset(stream: id, .streamClosed)
    }

    // MARK: - Content

    func takeData(_ header: FrameHeader, _ payload: UnsafeRawBufferPointer) throws(HTTP2ErrorCode) {
        let piece = try unpadded(header, payload)
        let stream = try stream(header.stream)
        // Padding counts like content (RFC 9113 §6.9.1).
        receiveWindow -= payload.count
        guard receiveWindow >= 0 else { throw .flowControlError }
        guard let stream else {
            used(payload.count)
            return try patience.idleFrame(now: now)
        }
        used(payload.count - piece.count)
        let endsStream = header.flags.contains(.endStream)
        if piece.isEmpty, !endsStream { try patience.idleFrame(now: now) }
        if let code = stream.receive(piece, padding: payload.count - piece.count, isLast: endsStream) {
            used(piece.count)
            try reset(stream, code)
        }
    }

    /// So much of what came is used, or thrown away: the other side may send as much anew. It is told of several pieces at once.
    func used(_ bytes: Int) {
        credit += bytes
        guard credit >= Self.connectionWindow / 4 else { return }
        output.windowUpdate(stream: 0, by: credit)
        receiveWindow += credit
        credit = 0
    }

    private func unpadded(
        _ header: FrameHeader, _ payload: UnsafeRawBufferPointer
    ) throws(HTTP2ErrorCode) -> UnsafeRawBufferPointer {
        guard header.flags.contains(.padded) else { return payload }
        guard let padding = payload.first, Int(padding) < payload.count else { throw .protocolError }
        return UnsafeRawBufferPointer(rebasing: payload[1..<payload.count - Int(padding)])
    }
}
