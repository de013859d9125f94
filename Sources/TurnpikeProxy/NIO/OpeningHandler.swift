// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TurnpikeProxyCore

/// A client's connection from its first byte until it is known what is spoken on it. HTTP/1.1 gets a ``ClientHandler`` in its
/// place; with HTTP/2 it stays, for the connection beneath the streams. Confined to its loop.
class OpeningHandler: NIOClient, ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private enum State { case opening(deadline: Scheduled<Void>), http2, left }

    final let engine: NIOEngine
    private let connector: UpstreamConnector
    private var state = State.left
    private var context: ChannelHandlerContext?

    init(engine: NIOEngine, connector: UpstreamConnector) {
        self.engine = engine
        self.connector = connector
    }

    /// Nanoseconds until it has to be known.
    var patience: UInt64 { engine.gateway.limits.headTimeout }

    /// It is not known yet.
    final var isOpening: Bool { if case .opening = state { true } else { false } }

    // MARK: - Channel

    final func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { open(context) }
    }

    final func channelActive(context: ChannelHandlerContext) { open(context) }

    private func open(_ context: ChannelHandlerContext) {
        guard self.context != nil, case .left = state else { return }
        guard engine.admit(self) else { return context.close(promise: nil) }
        let channel = context.channel
        let patience = TimeAmount.nanoseconds(Int64(clamping: patience))
        state = .opening(deadline: channel.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) })
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.fireChannelRead(data) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
    }

    /// Puts into the channel what serves it from here on.
    ///
    /// - Parameter bytes: what came of the connection and was not used.
    final func serve(
        _ context: ChannelHandlerContext, over scheme: RequestForwarding.Scheme, speaksHTTP2: Bool,
        having bytes: ByteBuffer? = nil
    ) {
        guard case .opening(let deadline) = state else { return }
        deadline.cancel()
        do {
            if speaksHTTP2 {
                state = .http2
                try HTTP2Server.add(to: context.channel, scheme: scheme, engine: engine, connector: connector)
            } else {
                leave()
                try context.pipeline.syncOperations.addHandler(
                    ClientHandler(engine: engine, connector: connector, scheme: scheme), position: .after(self))
            }
        } catch {
            return context.close(promise: nil)
        }
        if let bytes { context.fireChannelRead(wrapInboundOut(bytes)) }
        if !speaksHTTP2 { context.pipeline.syncOperations.removeHandler(context: context, promise: nil) }
    }

    final func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    final func handlerRemoved(context: ChannelHandlerContext) {
        leave()
        self.context = nil
    }

    /// A reset, or a handshake that failed, most often. The channel is of no use after any error.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func leave() {
        if case .opening(let deadline) = state { deadline.cancel() }
        guard case .left = state else {
            state = .left
            return engine.forget(self)
        }
    }

    // MARK: - Engine

    /// Before it is known what is spoken there is nothing to lose. HTTP/2 takes no new streams (GOAWAY), and closes with the last
    /// of them.
    final override func drain() {
        switch state {
        case .opening: context?.close(promise: nil)
        case .http2: context?.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        case .left: break
        }
    }

    final override func abort() { context?.close(promise: nil) }
}
