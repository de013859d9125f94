// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Gathers what one event sends, so that it costs one write.
///
/// Small pieces are copied together into a buffer that is used again; large ones are passed on as they are.
struct PendingOutput {
    /// From here on, a piece is worth a write of its own more than a copy.
    private static let largePiece = 16 << 10

    private var buffer: ByteBuffer
    private(set) var isEmpty = true
    /// Something was written that is not flushed.
    private(set) var needsFlush = false

    init(allocator: ByteBufferAllocator) { buffer = allocator.buffer(capacity: 0) }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        prepare(bytes.count)
        buffer.writeBytes(bytes)
    }

    mutating func append(_ piece: ByteBuffer, to context: ChannelHandlerContext) {
        if piece.readableBytes < Self.largePiece {
            prepare(piece.readableBytes)
            buffer.writeImmutableBuffer(piece)
        } else {
            write(to: context)
            context.write(NIOAny(piece), promise: nil)
            needsFlush = true
        }
    }

    mutating func flush(to context: ChannelHandlerContext) {
        write(to: context)
        guard needsFlush else { return }
        needsFlush = false
        context.flush()
    }

    private mutating func prepare(_ count: Int) {
        guard isEmpty else { return }
        // Keeps the memory where the last write is done with it, and takes new memory where it is not.
        buffer.clear(minimumCapacity: max(count, 512))
        isEmpty = false
    }

    private mutating func write(to context: ChannelHandlerContext) {
        guard !isEmpty else { return }
        isEmpty = true
        needsFlush = true
        context.write(NIOAny(buffer), promise: nil)
    }
}
