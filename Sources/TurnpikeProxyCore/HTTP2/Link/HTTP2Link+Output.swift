// SPDX-License-Identifier: Apache-2.0

// Heads and content that are sent (RFC 9113 §5.2, §8.1).
extension HTTP2Link {
    /// Bytes that are gathered to be sent at once, beyond which content waits with its stream.
    private static let mostGathered = 128 << 10

    /// What the engine forwards may be more than it takes, by the fields that it adds.
    var forwardedLimits: HeadLimits {
        HeadLimits(
            startLineBytes: limits.head.startLineBytes, fieldCount: limits.head.fieldCount + 100,
            headBytes: 2 * limits.head.headBytes)
    }

    // MARK: - Heads

    /// Writes a head that has a first line.
    ///
    /// - Parameters:
    ///   - bound: bytes that `write` writes at most.
    ///   - write: writes the block.
    func writeHead(of stream: HTTP2Flow, endsStream: Bool, atMost bound: Int, _ write: (inout ByteWriter) -> Void) {
        let isFirst = !hasSentBlock
        hasSentBlock = true
        output.headers(stream: stream.id, endsStream: endsStream, atMost: bound + 1) { writer in
            if isFirst { HPACKEncoder.writeTableSize(to: &writer) }
            write(&writer)
        }
    }

    /// Good until the next call.
    func lowercased(_ name: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        names.removeAll()
        _ = names.write(atMost: name.count) { $0.append(count: name.count) { Self.lowercase(name, into: $0) } }
        return names.bytes
    }

    private static func lowercase(_ name: UnsafeRawBufferPointer, into memory: UnsafeMutableRawBufferPointer) {
        var offset = 0
        while offset + 8 <= name.count {
            let word = ByteWords.lowercased(name.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            memory.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
            offset += 8
        }
        while offset < name.count {
            memory[offset] = ASCII.lowercased(name[offset])
            offset += 1
        }
    }

    /// Ends a message, by its trailers where it has some.
    func writeEnd(of stream: HTTP2Flow, trailers: [(name: String, value: String)]) {
        guard !trailers.isEmpty else {
            if !output.endLastData(of: stream.id) {
                output.data(stream: stream.id, endsStream: true, UnsafeRawBufferPointer(start: nil, count: 0))
            }
            return
        }
        output.headers(stream: stream.id, endsStream: true, atMost: HPACKEncoder.sizeBound(trailers)) { writer in
            for (name, value) in trailers { HPACKEncoder.write(name: name, value: value, to: &writer) }
        }
    }

    // MARK: - Content

    var mayGather: Bool { isWritable && sendWindow > 0 && output.count < Self.mostGathered }

    /// Sends as much as fits into one frame and all windows.
    ///
    /// - Returns: how much that was; nil where nothing can be sent now.
    func sendData(_ bytes: UnsafeRawBufferPointer, on stream: HTTP2Flow) -> Int? {
        guard mayGather, stream.sendWindow > 0 else { return nil }
        let count = min(bytes.count, FrameHeader.mostPayload, sendWindow, stream.sendWindow)
        output.data(stream: stream.id, endsStream: false, UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        sendWindow -= count
        stream.sendWindow -= count
        patience.sent(count)
        return count
    }

    /// Gives a stream its turn, where it has something to send and may.
    func makeReady(_ stream: HTTP2Flow) {
        guard stream.hasPending, stream.sendWindow > 0, !stream.isQueued else { return }
        stream.isQueued = true
        ready.append(stream.id)
    }

    /// Sends what waits, a frame of each stream's in turn.
    func sendReady() {
        while mayGather, !ready.isEmpty {
            guard let stream = streams[ready.removeFirst()] else { continue }
            stream.isQueued = false
            stream.sendPending()
        }
    }
}
