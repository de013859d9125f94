// SPDX-License-Identifier: Apache-2.0

// Heads and content of answers (RFC 9113 §5.2, §8.1).
extension HTTP2Connection {
    /// Bytes that are gathered to be sent at once, beyond which content waits with its stream.
    private static let mostGathered = 128 << 10

    /// What the engine forwards may be more than it takes, by the fields that it adds.
    var answerLimits: HeadLimits {
        HeadLimits(
            startLineBytes: limits.head.startLineBytes, fieldCount: limits.head.fieldCount + 100,
            headBytes: 2 * limits.head.headBytes)
    }

    // MARK: - Heads

    func write(_ head: HTTP1ResponseReader.Head, on stream: HTTP2Stream, endsStream: Bool) {
        var bound = Self.statusBytes
        head.forEach { bound += HPACKEncoder.sizeBound(name: $0.count, value: $1.count) }
        let isFirst = !hasSentBlock
        hasSentBlock = true
        output.headers(stream: stream.id, endsStream: endsStream, atMost: bound) { writer in
            if isFirst { HPACKEncoder.writeTableSize(to: &writer) }
            HPACKEncoder.write(status: head.status, to: &writer)
            head.forEach { name, value in
                HPACKEncoder.write(name: self.lowercased(name), value: value, to: &writer)
            }
        }
    }

    /// Of a block's beginning, at most.
    private static let statusBytes = 16

    /// Good until the next call.
    private func lowercased(_ name: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
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

    /// Ends an answer, by its trailers where it has some.
    func writeEnd(of stream: HTTP2Stream, trailers: [(name: String, value: String)]) {
        guard !trailers.isEmpty else {
            if !output.endLastData(of: stream.id) {
                output.data(stream: stream.id, endsStream: true, UnsafeRawBufferPointer(start: nil, count: 0))
            }
            return
        }
        let bound = trailers.reduce(0) {
            $0 + HPACKEncoder.sizeBound(name: $1.name.utf8.count, value: $1.value.utf8.count)
        }
        output.headers(stream: stream.id, endsStream: true, atMost: bound) { writer in
            for (var name, var value) in trailers {
                name.withUTF8 { name in
                    value.withUTF8 {
                        HPACKEncoder.write(
                            name: UnsafeRawBufferPointer(name), value: UnsafeRawBufferPointer($0), to: &writer)
                    }
                }
            }
        }
    }

    // MARK: - Content

    var mayGather: Bool { isWritable && sendWindow > 0 && output.count < Self.mostGathered }

    /// Sends as much as fits into one frame and all windows.
    ///
    /// - Returns: how much that was; nil where nothing can be sent now.
    func sendData(_ bytes: UnsafeRawBufferPointer, on stream: HTTP2Stream) -> Int? {
        guard mayGather, stream.sendWindow > 0 else { return nil }
        let count = min(bytes.count, FrameHeader.mostPayload, sendWindow, stream.sendWindow)
        output.data(stream: stream.id, endsStream: false, UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        sendWindow -= count
        stream.sendWindow -= count
        patience.sent(count)
        return count
    }

    /// Gives a stream its turn, where it has something to send and may.
    func makeReady(_ stream: HTTP2Stream) {
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
