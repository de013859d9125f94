// SPDX-License-Identifier: Apache-2.0

// Heads and trailers of requests (RFC 9113 §8.1, §8.3.1).
extension HTTP2Connection {
    func begin(_ id: UInt32, endsStream: Bool) throws(HTTP2ErrorCode) {
        guard streams.count < Self.concurrentStreams else { return try refuse(id, .refusedStream) }
        let content: HTTP1ContentWriter
        do { content = try requests.end(endsStream: endsStream) } catch {
            return try refuse(id, for: error, isWhole: endsStream)
        }
        let stream = HTTP2Stream(
            id, of: self, content: content, isWhole: endsStream, answersHead: requests.isHEAD)
        guard let server = user?.opened(stream) else { return try refuse(id, .refusedStream) }
        stream.user = server
        streams[id] = stream
        stream.begin(requests.bytes)
    }

    /// Says what is wrong with a request before its stream ends (RFC 9113 §8.1.1).
    private func refuse(_ id: UInt32, for fault: HTTP2Fault, isWhole: Bool) throws(HTTP2ErrorCode) {
        guard let answer = user?.refused(fault) else { return try refuse(id, .protocolError) }
        let stream = HTTP2Stream(id, of: self, content: nil, isWhole: isWhole, answersHead: requests.isHEAD)
        streams[id] = stream
        stream.end(with: answer)
        try wasted()
    }

    /// A stream that does not come to be.
    private func refuse(_ id: UInt32, _ code: HTTP2ErrorCode) throws(HTTP2ErrorCode) {
        output.reset(stream: id, code)
        restartIdling()
        try wasted()
    }

    /// Trailers, which end a request.
    func end(_ id: UInt32, endsStream: Bool) throws(HTTP2ErrorCode) {
        guard let stream = streams[id] else {
            // A request, not trailers: streams are begun in the order of their numbers (RFC 9113 §5.1.1).
            guard !requests.hasPseudoTrailer else { throw .protocolError }
            return try strayed(on: id)
        }
        guard !stream.isReceived else { return try reset(stream, .streamClosed) }
        guard endsStream else { return try reset(stream, for: .fieldsWithinContent) }
        do { try requests.endTrailers() } catch {
            stream.endsWithFault = true
            return try reset(stream, for: error)
        }
        guard stream.end(trailers: requests.bytes) else { return try reset(stream, .protocolError) }
    }

    private func reset(_ stream: HTTP2Flow, for fault: HTTP2Fault) throws(HTTP2ErrorCode) {
        stream.fault = fault
        try reset(stream, .protocolError)
    }
}
