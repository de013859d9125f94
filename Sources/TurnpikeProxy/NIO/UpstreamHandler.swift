// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import TurnpikeProxyCore

/// The channel of one upstream connection, which serves one client after the other.
///
/// While it is nobody's it must be silent; whatever it says then, and its end, make it useless.
final class UpstreamHandler: ChannelInboundHandler, EngineUpstream {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let id: UpstreamID
    private let engine: NIOEngine
    /// Whom it serves at present.
    var client: ClientHandler?
    private var context: ChannelHandlerContext?
    private var output: PendingOutput?
    private var isClosed = false

    init(id: UpstreamID, engine: NIOEngine, client: ClientHandler) {
        self.id = id
        self.engine = engine
        self.client = client
    }

    // MARK: - Connecting

    func connect(to address: EndpointAddress, on eventLoop: any EventLoop) {
        let handler = NIOLoopBound(self, eventLoop: eventLoop)
        let bootstrap = ClientBootstrap(group: eventLoop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 1)
            // Who waits has a deadline of its own, which is the service's.
            .connectTimeout(.seconds(120))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler.value) }
            }
        let connected: EventLoopFuture<any Channel>
        if let numeric = try? SocketAddress(ipAddress: address.host, port: address.port) {
            connected = bootstrap.connect(to: numeric)
        } else {
            connected = bootstrap.connect(host: address.host, port: address.port)
        }
        connected.assumeIsolated().whenComplete { self.connected($0) }
    }

    private func connected(_ result: Result<any Channel, any Error>) {
        switch result {
        case .success(let channel):
            guard !isClosed, let client else { return channel.close(promise: nil) }
            client.use(self)
        case .failure:
            let waiting = client
            client = nil
            if !isClosed { engine.close(id) }
            waiting?.handle(.upstreamFailed(id))
        }
    }

    // MARK: - Use

    /// Fit to be sent a request.
    var isOpen: Bool { !isClosed && context?.channel.isActive ?? false }

    /// What is sent on it finds room.
    var isWritable: Bool { context?.channel.isWritable ?? false }

    func send(_ bytes: UnsafeRawBufferPointer) { output?.append(bytes) }

    func send(_ piece: ByteBuffer) {
        if let context { output?.append(piece, to: context) }
    }

    func flush() {
        if let context { output?.flush(to: context) }
    }

    func setReading(_ reads: Bool) { context?.channel.setReading(reads) }

    /// Closes the connection without telling anybody.
    func close() {
        isClosed = true
        client = nil
        context?.close(promise: nil)
    }

    // MARK: - Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        output = PendingOutput(allocator: context.channel.allocator)
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if let client {
            client.handle(.upstreamReceived(id, unwrapInboundIn(data)))
        } else if !isClosed {
            engine.lost(self)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        client?.handle(.upstreamWritability(id, context.channel.isWritable))
    }

    func channelInactive(context: ChannelHandlerContext) {
        guard !isClosed else { return }
        isClosed = true
        if let client {
            self.client = nil
            engine.forget(self)
            client.handle(.upstreamClosed(id))
        } else {
            engine.lost(self)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
