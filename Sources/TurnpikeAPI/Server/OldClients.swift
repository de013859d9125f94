// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1

/// Has the connection closed after the answer to a client that does not keep it, as one of HTTP/1.0 does that says nothing of it
/// (RFC 9112 §9.3): such a client may wait for that. Further on, nobody knows of versions any more.
final class OldClients: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data), !head.isKeepAlive else {
            return context.fireChannelRead(data)
        }
        head.headers.replaceOrAdd(name: "Connection", value: "close")
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }
}
