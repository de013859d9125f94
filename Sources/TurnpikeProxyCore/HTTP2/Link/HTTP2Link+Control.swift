// SPDX-License-Identifier: Apache-2.0

// Frames that carry nothing of a request.
extension HTTP2Link {
    func takeSettings(_ header: FrameHeader, _ payload: UnsafeRawBufferPointer) throws(HTTP2ErrorCode) {
        guard header.stream == 0 else { throw .protocolError }
        if header.flags.contains(.acknowledges) {
            guard payload.isEmpty else { throw .frameSizeError }
            return
        }
        try patience.idleFrame(now: now)
        let before = settings.initialWindow
        try settings.take(payload)
        try patience.answer(findsRoom: isWritable)
        output.acknowledgeSettings()
        let growth = settings.initialWindow - before
        guard growth != 0 else { return }
        // Streams that are open follow the first window, below zero if need be (RFC 9113 §6.9.2).
        for stream in streams.values {
            guard stream.sendWindow + growth <= HTTP2Settings.mostWindow else { throw .flowControlError }
            stream.sendWindow += growth
            makeReady(stream)
        }
        sendReady()
    }

    func takePing(_ header: FrameHeader, _ payload: UnsafeRawBufferPointer) throws(HTTP2ErrorCode) {
        guard header.stream == 0 else { throw .protocolError }
        guard payload.count == 8 else { throw .frameSizeError }
        try patience.idleFrame(now: now)
        guard !header.flags.contains(.acknowledges) else { return }
        try patience.answer(findsRoom: isWritable)
        output.answerPing(payload)
    }

    func takeGoAway(_ header: FrameHeader, _ payload: UnsafeRawBufferPointer) throws(HTTP2ErrorCode) {
        guard header.stream == 0 else { throw .protocolError }
        guard payload.count >= 8 else { throw .frameSizeError }
        peerLeaves(after: UInt32(bigEndian: payload.loadUnaligned(as: UInt32.self)) & 0x7FFF_FFFF)
    }

    /// Priorities say nothing any more (RFC 9113 §5.3.2), but have a form.
    func takePriority(_ header: FrameHeader, _ payload: UnsafeRawBufferPointer) throws(HTTP2ErrorCode) {
        guard header.stream != 0 else { throw .protocolError }
        guard payload.count == 5 else { throw .frameSizeError }
        try patience.idleFrame(now: now)
    }

    func takeWindowUpdate(_ header: FrameHeader, _ payload: UnsafeRawBufferPointer) throws(HTTP2ErrorCode) {
        guard payload.count == 4 else { throw .frameSizeError }
        try patience.windowUpdate()
        let growth = Int(UInt32(bigEndian: payload.loadUnaligned(as: UInt32.self)) & 0x7FFF_FFFF)
        if header.stream == 0 {
            guard growth > 0 else { throw .protocolError }
            sendWindow += growth
            guard sendWindow <= HTTP2Settings.mostWindow else { throw .flowControlError }
        } else {
            guard let stream = try stream(header.stream) else { return }
            guard growth > 0 else { return try reset(stream, .protocolError) }
            stream.sendWindow += growth
            guard stream.sendWindow <= HTTP2Settings.mostWindow else { return try reset(stream, .flowControlError) }
            makeReady(stream)
        }
        sendReady()
    }

    func takeReset(_ header: FrameHeader, _ payload: UnsafeRawBufferPointer) throws(HTTP2ErrorCode) {
        guard payload.count == 4 else { throw .frameSizeError }
        guard let stream = try stream(header.stream) else { return try patience.idleFrame(now: now) }
        let code = UInt32(bigEndian: payload.loadUnaligned(as: UInt32.self))
        forget(stream)
        stream.wasReset(by: HTTP2ErrorCode(rawValue: code))
        try wasted()
    }

    /// The stream, if it is open still.
    ///
    /// - Throws: where no such stream was ever begun (RFC 9113 §5.1).
    func stream(_ id: UInt32) throws(HTTP2ErrorCode) -> HTTP2Flow? {
        guard id & 1 == 1, id <= lastBegun else { throw .protocolError }
        return streams[id]
    }

    /// Ends a stream for what the other side did wrong on it (RFC 9113 §5.4.2).
    func reset(_ stream: HTTP2Flow, _ code: HTTP2ErrorCode) throws(HTTP2ErrorCode) {
        stream.tellFault()
        if !stream.isClosed {
            output.reset(stream: stream.id, code)
            forget(stream)
            stream.lost()
        }
        try wasted()
    }
}
