// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL
import NIOTLS
import TurnpikeProxyCore

/// Opens connections to upstreams from one event loop, whatever is spoken there: HTTP/1.1 or HTTP/2, in the clear or over TLS.
///
/// What it hands out always carries HTTP/1.1: a connection of its own, or a stream of a HTTP/2 connection, which it keeps and
/// shares out. Confined to its event loop.
final class UpstreamConnector {
    let eventLoop: any EventLoop
    private let limits: HeadLimits
    private var http2: [EndpointAddress: [HTTP2Upstream]] = [:]

    init(eventLoop: any EventLoop, limits: HeadLimits) {
        self.eventLoop = eventLoop
        self.limits = limits
    }

    /// - Parameter initialise: puts the last handler into the channel, once what is beneath it is ready.
    /// - Returns: the channel, when a request can be written to it.
    func connect(
        to address: EndpointAddress, _ initialise: @escaping (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        guard address.wire.speaksHTTP2 else { return open(address, initialise) }
        return stream(to: address, initialise)
    }

    // MARK: - Connections

    private func open(
        _ address: EndpointAddress, _ initialise: @escaping (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        let bound = NIOLoopBound((connector: self, initialise: initialise), eventLoop: eventLoop)
        guard address.wire != .plain else {
            return
                bootstrap
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try bound.value.initialise(channel) }
                }
                .connect(to: address)
        }
        let ready = eventLoop.makePromise(of: (any Channel).self)
        security(of: address).flatMap { context in
            bound.value.connector.bootstrap
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        if let context {
                            let name = address.wire.tls?.name(for: address.host)
                            try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: name))
                        }
                        try pipeline.addHandler(ReadinessWaiter(address.wire, ready, bound.value.initialise))
                    }
                }
                .connect(to: address)
        }.whenFailure { ready.fail($0) }
        return ready.futureResult
    }

    private func security(of address: EndpointAddress) -> EventLoopFuture<NIOSSLContext?> {
        guard address.wire.tls != nil else { return eventLoop.makeSucceededFuture(nil) }
        return UpstreamTLSContexts.context(for: address.wire, on: eventLoop).map { $0 }
    }

    private var bootstrap: ClientBootstrap {
        ClientBootstrap(group: eventLoop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 1)
            // Who waits has a deadline of its own, which is the service's.
            .connectTimeout(.seconds(120))
    }

    // MARK: - Streams

    /// A stream of a connection that has room for it, or of a new one. Those who ask while one is being made wait for it.
    private func stream(
        to address: EndpointAddress, _ initialise: @escaping (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        if let known = http2[address]?.first(where: \.hasRoom) { return known.stream(initialise) }
        let upstream = HTTP2Upstream(address.wire, limits: limits, eventLoop: eventLoop) { [weak self] upstream in
            self?.http2[address]?.removeAll { $0 === upstream }
            if self?.http2[address]?.isEmpty == true { self?.http2[address] = nil }
        }
        http2[address, default: []].append(upstream)
        let stream = upstream.stream(initialise)
        upstream.opened(by: open(address, upstream.initialise))
        return stream
    }

    /// Closes the connections whose streams nobody uses.
    func shutDown() {
        for upstream in http2.values.flatMap({ $0 }) { upstream.close() }
    }
}

extension ClientBootstrap {
    fileprivate func connect(to address: EndpointAddress) -> EventLoopFuture<any Channel> {
        guard let numeric = try? SocketAddress(ipAddress: address.host, port: address.port) else {
            return connect(host: address.host, port: address.port)
        }
        return connect(to: numeric)
    }
}

/// Waits until a connection is there, handshake included, and then puts what speaks on it into its own place.
private final class ReadinessWaiter: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let wire: UpstreamWire
    private let ready: EventLoopPromise<any Channel>
    private let initialise: (any Channel) throws -> Void

    init(
        _ wire: UpstreamWire, _ ready: EventLoopPromise<any Channel>,
        _ initialise: @escaping (any Channel) throws -> Void
    ) {
        self.wire = wire
        self.ready = ready
        self.initialise = initialise
    }

    /// Who comes into its place comes to a channel that is active, and is not told so again.
    func channelActive(context: ChannelHandlerContext) {
        if wire.tls == nil { giveWay(context) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted(let spoken)? = event as? TLSUserEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        // Who does not choose HTTP/2 would be spoken to in what he does not understand.
        guard !wire.speaksHTTP2 || spoken == "h2" else {
            return errorCaught(context: context, error: WrongProtocol(spoken: spoken))
        }
        giveWay(context)
    }

    private func giveWay(_ context: ChannelHandlerContext) {
        do {
            try initialise(context.channel)
            _ = context.pipeline.syncOperations.removeHandler(context: context)
            ready.succeed(context.channel)
        } catch {
            errorCaught(context: context, error: error)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        ready.fail(ChannelError.eof)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        ready.fail(error)
        context.close(promise: nil)
    }

    private struct WrongProtocol: Error { let spoken: String? }
}
