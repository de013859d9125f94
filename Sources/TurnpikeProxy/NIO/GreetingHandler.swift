// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TurnpikeProxyCore

/// A client's connection in the clear until its first bytes have told what it speaks: HTTP/2 where they are its preface, which a
/// client sends who knows beforehand (RFC 9113 §3.3), else HTTP/1.1. HTTP/1.1 gets a ``ClientHandler`` in its place; with HTTP/2
/// it stays, for the connection beneath the streams.
final class GreetingHandler: NIOClient, ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private enum State { case waiting(deadline: Scheduled<Void>), http2, left }

    private let engine: NIOEngine
    private let connector: UpstreamConnector
    private var state = State.left
    private var context: ChannelHandlerContext?
    /// What came, as long as it could become either.
    private var read: ByteBuffer?

    init(engine: NIOEngine, connector: UpstreamConnector) {
        self.engine = engine
        self.connector = connector
    }

    // MARK: - Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { open(context) }
    }

    func channelActive(context: ChannelHandlerContext) { open(context) }

    /// It may stay silent as long as a client between two requests.
    private func open(_ context: ChannelHandlerContext) {
        guard self.context != nil, case .left = state else { return }
        guard engine.admit(self) else { return context.close(promise: nil) }
        let channel = context.channel
        let patience = TimeAmount.nanoseconds(Int64(clamping: engine.gateway.limits.idleTimeout))
        state = .waiting(deadline: channel.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) })
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .waiting(let deadline) = state else { return context.fireChannelRead(data) }
        var bytes = read ?? context.channel.allocator.buffer(capacity: 0)
        bytes.writeImmutableBuffer(unwrapInboundIn(data))
        let verdict = bytes.withUnsafeReadableBytes { HTTP2Preface.judge($0) }
        read = bytes
        guard verdict != .undecided else { return }
        deadline.cancel()
        do {
            try greet(context, speaksHTTP2: verdict == .isThere, with: bytes)
        } catch {
            context.close(promise: nil)
        }
    }

    private func greet(_ context: ChannelHandlerContext, speaksHTTP2: Bool, with bytes: ByteBuffer) throws {
        read = nil
        let pipeline = context.pipeline.syncOperations
        if speaksHTTP2 {
            state = .http2
            try HTTP2Server.add(to: context.channel, scheme: .http, engine: engine, connector: connector)
            return context.fireChannelRead(wrapInboundOut(bytes))
        }
        leave()
        try pipeline.addHandler(
            ClientHandler(engine: engine, connector: connector, scheme: .http), position: .after(self))
        context.fireChannelRead(wrapInboundOut(bytes))
        pipeline.removeHandler(context: context, promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
        self.context = nil
    }

    /// A reset, most often. The channel is of no use after any error.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard case .waiting = state else { return context.fireErrorCaught(error) }
        context.close(promise: nil)
    }

    private func leave() {
        if case .waiting(let deadline) = state { deadline.cancel() }
        guard case .left = state else {
            state = .left
            return engine.forget(self)
        }
    }

    // MARK: - Engine

    /// HTTP/2 takes no new streams (GOAWAY), and closes with the last of them.
    override func drain() {
        switch state {
        case .waiting: context?.close(promise: nil)
        case .http2: context?.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        case .left: break
        }
    }

    override func abort() { context?.close(promise: nil) }
}
