// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Gives a channel what was read of its connection before it became one, ahead of all that is still to come.
final class ReadBefore: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let bytes: ByteBuffer

    init(_ bytes: ByteBuffer) { self.bytes = bytes }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        // Whoever is not welcome was closed just now.
        guard context.channel.isActive else { return }
        context.fireChannelRead(wrapInboundOut(bytes))
        context.fireChannelReadComplete()
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}
