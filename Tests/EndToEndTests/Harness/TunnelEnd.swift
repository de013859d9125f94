// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Synchronization

/// One end of a WebSocket connection within the test process, as far as a gateway can tell: a handshake, and then bytes.
final class TunnelEnd: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private struct State {
        var received = ByteBuffer()
        /// An upstream has switched: what comes is sent back.
        var echoes = false
    }

    private let answersHandshakes: Bool
    private let state = Mutex(State())

    private init(answersHandshakes: Bool) { self.answersHandshakes = answersHandshakes }

    /// An upstream that switches for everybody, and sends back what it is sent.
    static func echoing() async throws -> any Channel {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { $0.pipeline.addHandler(TunnelEnd(answersHandshakes: true)) }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    /// A client, and what it hears.
    static func connect(to url: String) async throws -> (any Channel, TunnelEnd) {
        let end = TunnelEnd(answersHandshakes: false)
        let port = url.split(separator: ":").last.flatMap { Int($0) } ?? 0
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { $0.pipeline.addHandler(end) }
            .connect(host: "127.0.0.1", port: port).get()
        return (channel, end)
    }

    /// All that has come.
    var received: String { state.withLock { String(buffer: $0.received) } }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        let answer = state.withLock { state -> ByteBuffer? in
            if state.echoes { return buffer }
            state.received.writeBuffer(&buffer)
            guard answersHandshakes, String(buffer: state.received).hasSuffix("\r\n\r\n") else { return nil }
            state.echoes = true
            return ByteBuffer(
                string: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        }
        if let answer { context.writeAndFlush(NIOAny(answer), promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
