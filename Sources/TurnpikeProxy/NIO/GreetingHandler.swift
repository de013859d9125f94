// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TurnpikeProxyCore

/// A client's connection in the clear until its first bytes have told what it speaks: HTTP/2 where they are its preface, which a
/// client sends who knows beforehand (RFC 9113 §3.3), else HTTP/1.1.
final class GreetingHandler: OpeningHandler {
    /// What came, as long as it could become either.
    private var read: ByteBuffer?

    /// It may stay silent as long as a client between two requests.
    override var patience: UInt64 { engine.gateway.limits.idleTimeout }

    override func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard isOpening else { return context.fireChannelRead(data) }
        var bytes = unwrapInboundIn(data)
        if var before = read.take() {
            before.writeBuffer(&bytes)
            bytes = before
        }
        switch bytes.withUnsafeReadableBytes({ HTTP2Preface.judge($0) }) {
        case .undecided: read = bytes
        case .isThere: serve(context, over: .http, speaksHTTP2: true, having: bytes)
        case .isNot: serve(context, over: .http, speaksHTTP2: false, having: bytes)
        }
    }
}
