// SPDX-License-Identifier: Apache-2.0

// Heads and content of requests (RFC 9113 §6.1, §6.2, §6.10, §8.1).
extension HTTP2Connection {
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

    /// A whole block is decoded whatever becomes of it: those behind it build on it (RFC 9113 §4.3).
    private func takeBlock(
        _ block: UnsafeRawBufferPointer, stream id: UInt32, endsStream: Bool
    ) throws(HTTP2ErrorCode) {
        if id > lastBegun {
            let isTaken = beganStream(id)
            patience.streamBegan()
            requests.begin()
            try decode(block) { self.requests.take($0, $1) }
            if isTaken { try begin(id, endsStream: endsStream) }
        } else {
            requests.beginTrailers()
            try decode(block) { self.requests.takeTrailer($0, $1) }
            try end(id, endsStream: endsStream)
        }
    }

    private func decode(
        _ block: UnsafeRawBufferPointer, _ field: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void
    ) throws(HTTP2ErrorCode) {
        do { try decoder.decode(block, field) } catch { throw HTTP2ErrorCode.compressionError }
    }

    private func begin(_ id: UInt32, endsStream: Bool) throws(HTTP2ErrorCode) {
        guard streams.count < Self.concurrentStreams else { return try refuse(id, .refusedStream) }
        let content: HTTP1ContentWriter
        do { content = try requests.end(endsStream: endsStream) } catch { return try refuse(id, .protocolError) }
        let stream = HTTP2Stream(
            id, of: self, content: content, isWhole: endsStream, answersHead: requests.isHEAD)
        guard let server = user?.opened(stream) else { return try refuse(id, .refusedStream) }
        stream.user = server
        streams[id] = stream
        stream.begin(requests.bytes)
    }

    /// A stream that does not come to be.
    private func refuse(_ id: UInt32, _ code: HTTP2ErrorCode) throws(HTTP2ErrorCode) {
        output.reset(stream: id, code)
        if streams.isEmpty { idleSince = now }
        try patience.wasteStream(now: now)
    }

    /// Trailers, which end a request.
    private func end(_ id: UInt32, endsStream: Bool) throws(HTTP2ErrorCode) {
        guard let stream = streams[id] else {
            // A request, not trailers: streams are begun in the order of their numbers (RFC 9113 §5.1.1).
            guard !requests.hasPseudoTrailer else { throw .protocolError }
            return try strayed(on: id)
        }
        guard !stream.isRequestWhole else { return try reset(stream, .streamClosed) }
        guard endsStream else { return try reset(stream, .protocolError) }
        do { try requests.endTrailers() } catch { return try reset(stream, .protocolError) }
        guard stream.end(trailers: requests.bytes) else { return try reset(stream, .protocolError) }
    }

    /// Something for a stream that is over: on its way since before the client knew, or sent against the rules.
    private func strayed(on id: UInt32) throws(HTTP2ErrorCode) {
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

    /// So much of what came is used, or thrown away: the client may send as much anew. It is told of several pieces at once.
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
