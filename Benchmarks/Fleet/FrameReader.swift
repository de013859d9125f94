// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TurnpikeModel
import TurnpikeSnapshot

/// Makes frames of the pieces of one stream.
struct FrameReader {
    private var unread = ByteBuffer()

    /// Frames as they were told last, for all streams of the process.
    ///
    /// A thousand workers get the same lines at the same moment. On machines of their own each would read them; here, on
    /// the control plane's, they are read once.
    final class Recent {
        private var frames: [ByteBuffer: Frame] = [:]

        func frame(_ line: ByteBuffer) throws(TurnpikeError) -> Frame {
            if let known = frames[line] { return known }
            let frame = try Frame(line: line.readableBytesView)
            if frames.count >= 1000 { frames.removeAll() }
            frames[line] = frame
            return frame
        }
    }

    /// - Parameter isWanted: whether a line is worth reading, judged by its first bytes.
    mutating func take(
        _ piece: ByteBuffer, _ recent: Recent, isWanted: (ByteBuffer) -> Bool = { _ in true },
        _ each: (Frame) -> Void
    ) throws(TurnpikeError) {
        if unread.readableBytes == 0 {
            unread = piece
        } else {
            unread.writeImmutableBuffer(piece)
        }
        while let newline = unread.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
            let length = newline - unread.readerIndex
            guard let line = unread.readSlice(length: length) else { return }
            unread.moveReaderIndex(forwardBy: 1)
            if isWanted(line) { each(try recent.frame(line)) }
        }
        unread.discardReadBytes()
    }
}
