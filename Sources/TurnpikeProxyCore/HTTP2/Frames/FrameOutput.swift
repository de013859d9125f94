// SPDX-License-Identifier: Apache-2.0

/// The frames of one connection that are on their way out, in one piece of memory. Confined to its loop.
final class FrameOutput {
    private let stage = ByteStage()
    /// A block that does not fit into one frame.
    private let block = ByteStage()
    /// Where the flags of the last frame stand, and whose it is, if it was DATA: the end of a stream can still be told by it.
    private var lastData: (stream: UInt32, flags: Int)?

    var count: Int { stage.count }

    /// Hands out what is there, once.
    func take(_ body: (UnsafeRawBufferPointer) -> Void) {
        guard stage.count > 0 else { return }
        body(stage.bytes)
        stage.removeAll()
        stage.trim(above: Self.keptBytes)
        lastData = nil
    }

    /// Memory that is kept between events: that of a connection which has nothing to say.
    private static let keptBytes = 4 << 10

    // MARK: - Frames of streams

    /// - Parameters:
    ///   - bound: bytes that `write` writes at most.
    ///   - write: writes the header block.
    func headers(stream: UInt32, endsStream: Bool, atMost bound: Int, _ write: (inout ByteWriter) -> Void) {
        let flags: FrameFlags = endsStream ? [.endHeaders, .endStream] : .endHeaders
        guard bound <= FrameHeader.mostPayload else {
            block.removeAll()
            _ = block.write(atMost: bound, write)
            return headers(stream: stream, flags, block: block.bytes)
        }
        lastData = nil
        let range = stage.write(atMost: FrameHeader.byteCount + bound) { writer in
            writer.appendFrameHeader(.headers, flags, stream: stream, length: 0)
            write(&writer)
        }
        stage.overwrite(from: range.lowerBound, count: FrameHeader.byteCount) { writer in
            writer.appendFrameHeader(.headers, flags, stream: stream, length: range.count - FrameHeader.byteCount)
        }
    }

    /// A block of any length, in as many frames as it takes.
    func headers(stream: UInt32, _ flags: FrameFlags, block: UnsafeRawBufferPointer) {
        var rest = block[...]
        var kind = FrameKind.headers
        repeat {
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(FrameHeader.mostPayload))
            rest = rest.dropFirst(piece.count)
            var flags = kind == .headers ? flags : flags.subtracting(.endStream)
            if !rest.isEmpty { flags.remove(.endHeaders) }
            append(kind, flags, stream: stream, piece)
            kind = .continuation
        } while !rest.isEmpty
    }

    /// - Parameter bytes: at most ``FrameHeader/mostPayload``.
    func data(stream: UInt32, endsStream: Bool, _ bytes: UnsafeRawBufferPointer) {
        let flags = stage.count + 4
        append(.data, endsStream ? .endStream : [], stream: stream, bytes)
        lastData = (stream, flags)
    }

    /// Tells the end of a stream by its last frame, if that is here still and nothing stands behind it.
    func endLastData(of stream: UInt32) -> Bool {
        guard let lastData, lastData.stream == stream else { return false }
        stage.overwrite(from: lastData.flags, count: 1) { $0.append(FrameFlags.endStream.rawValue) }
        return true
    }

    func reset(stream: UInt32, _ code: HTTP2ErrorCode) { append(.resetStream, stream: stream, code.rawValue) }

    /// - Parameter stream: 0 for the connection's own window.
    func windowUpdate(stream: UInt32, by bytes: Int) {
        append(.windowUpdate, stream: stream, UInt32(clamping: bytes))
    }

    // MARK: - Frames of the connection

    /// What a client says before any frame.
    func preface() { _ = stage.write(atMost: HTTP2Preface.text.utf8CodeUnitCount) { $0.append(HTTP2Preface.text) } }

    /// - Parameter settings: by their numbers (RFC 9113 §6.5.2).
    func settings(_ settings: [(number: UInt16, value: UInt32)]) {
        append(.settings, [], stream: 0, length: 6 * settings.count) { writer in
            for setting in settings {
                writer.append(bigEndian: setting.number)
                writer.append(bigEndian: setting.value)
            }
        }
    }

    func acknowledgeSettings() { append(.settings, .acknowledges, stream: 0, length: 0) { _ in } }

    func answerPing(_ payload: UnsafeRawBufferPointer) { append(.ping, .acknowledges, stream: 0, payload) }

    /// Asks for an answer, which is told from no other.
    func ping() { append(.ping, [], stream: 0, length: 8) { $0.append(bigEndian: UInt64(0)) } }

    /// - Parameter last: the last stream of the client's that is served, or was.
    func goAway(last: UInt32, _ code: HTTP2ErrorCode) {
        append(.goAway, [], stream: 0, length: 8) { writer in
            writer.append(bigEndian: last)
            writer.append(bigEndian: code.rawValue)
        }
    }

    // MARK: - Bytes

    private func append(_ kind: FrameKind, stream: UInt32, _ word: UInt32) {
        append(kind, [], stream: stream, length: 4) { $0.append(bigEndian: word) }
    }

    private func append(_ kind: FrameKind, _ flags: FrameFlags, stream: UInt32, _ payload: UnsafeRawBufferPointer) {
        append(kind, flags, stream: stream, length: payload.count) { $0.append(payload) }
    }

    private func append(
        _ kind: FrameKind, _ flags: FrameFlags, stream: UInt32, length: Int, _ write: (inout ByteWriter) -> Void
    ) {
        lastData = nil
        _ = stage.write(atMost: FrameHeader.byteCount + length) { writer in
            writer.appendFrameHeader(kind, flags, stream: stream, length: length)
            write(&writer)
        }
    }
}

extension ByteWriter {
    fileprivate mutating func appendFrameHeader(_ kind: FrameKind, _ flags: FrameFlags, stream: UInt32, length: Int) {
        append(bigEndian: UInt32(truncatingIfNeeded: length) << 8 | UInt32(kind.rawValue))
        append(flags.rawValue)
        append(bigEndian: stream)
    }

    fileprivate mutating func append(bigEndian number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.bigEndian) { append($0) }
    }
}
