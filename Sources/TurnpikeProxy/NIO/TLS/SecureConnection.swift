// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP2
import NIOSSL
import NIOTLS
import TurnpikeProxyCore

/// A client's TLS connection from its first byte on. Once it is known what is spoken within, HTTP/1.1 gets a
/// ``ClientHandler`` in its place; with HTTP/2 it stays, for the connection beneath the streams.
final class SecureConnection: NIOClient, ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private enum State { case handshake(deadline: Scheduled<Void>), http2, left }

    private let engine: NIOEngine
    private let connector: UpstreamConnector
    private var state = State.left
    private var context: ChannelHandlerContext?

    init(engine: NIOEngine, connector: UpstreamConnector) {
        self.engine = engine
        self.connector = connector
    }

    /// Puts what a connection needs until its handshake is done into its channel, on whose event loop this is called.
    static func add(
        to channel: any Channel, engine: NIOEngine, connector: UpstreamConnector, certificates: ServerCertificates
    ) throws {
        let bound = NIOLoopBound(engine, eventLoop: channel.eventLoop)
        let reader = SNIHandler { result in
            let name: String? = if case .hostname(let name) = result { name } else { nil }
            return channel.eventLoop.makeCompletedFuture {
                // Whom there is no certificate for gets no answer that could be shown to him.
                guard let shown = certificates.shown(for: name) else { throw NoCertificate() }
                let pipeline = channel.pipeline.syncOperations
                let sni = try pipeline.context(handlerType: ByteToMessageHandler<SNIHandler>.self)
                try pipeline.addHandlers([NIOSSLServerHandler(context: shown.nio)], position: .after(sni.handler))
                _ = pipeline.removeHandler(context: sni)
            }.flatMapErrorThrowing { error in
                bound.value.watch.metrics.handshakeFailed()
                channel.close(promise: nil)
                throw error
            }
        }
        try channel.pipeline.syncOperations.addHandlers([
            ByteToMessageHandler(reader), SecureConnection(engine: engine, connector: connector),
        ])
    }

    // MARK: - Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { open(context) }
    }

    func channelActive(context: ChannelHandlerContext) { open(context) }

    private func open(_ context: ChannelHandlerContext) {
        guard self.context != nil, case .left = state else { return }
        guard engine.admit(self) else { return context.close(promise: nil) }
        let channel = context.channel
        let patience = TimeAmount.nanoseconds(Int64(clamping: engine.gateway.limits.headTimeout))
        state = .handshake(deadline: channel.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) })
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted(let spoken)? = event as? TLSUserEvent, case .handshake(let deadline) = state
        else {
            return context.fireUserInboundEventTriggered(event)
        }
        deadline.cancel()
        do {
            if spoken == "h2" {
                state = .http2
                try HTTP2Server.add(to: context.channel, scheme: .https, engine: engine, connector: connector)
            } else {
                leave()
                let pipeline = context.pipeline.syncOperations
                try pipeline.addHandler(
                    ClientHandler(engine: engine, connector: connector, scheme: .https), position: .after(self))
                _ = pipeline.removeHandler(context: context)
            }
        } catch {
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
        self.context = nil
    }

    /// A handshake that failed, most often. The channel is of no use after any error.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .handshake = state { engine.watch.metrics.handshakeFailed() }
        context.close(promise: nil)
    }

    private func leave() {
        if case .handshake(let deadline) = state { deadline.cancel() }
        guard case .left = state else {
            state = .left
            return engine.forget(self)
        }
    }

    // MARK: - Engine

    /// A handshake has nothing to lose. HTTP/2 takes no new streams (GOAWAY), and closes with the last of them.
    override func drain() {
        switch state {
        case .handshake: context?.close(promise: nil)
        case .http2: context?.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        case .left: break
        }
    }

    override func abort() { context?.close(promise: nil) }

    private struct NoCertificate: Error {}
}
