// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP2
import NIOSSL
import NIOTLS
import TurnpikeProxyCore

/// Opens connections to upstreams from one event loop, whatever is spoken there: HTTP/1.1 or HTTP/2, in the clear or over TLS.
///
/// What it hands out always carries HTTP/1.1: a connection of its own, or a stream of a HTTP/2 connection, which it keeps and
/// shares out. Confined to its event loop.
final class UpstreamConnector {
    let eventLoop: any EventLoop
    private let options: UpstreamOptions
    private var http2: [EndpointAddress: [HTTP2Upstream]] = [:]

    init(eventLoop: any EventLoop, options: UpstreamOptions) {
        self.eventLoop = eventLoop
        self.options = options
    }

    /// - Parameters:
    ///   - addresses: where to connect, one after the other, in numbers.
    ///   - isShared: false for a connection of one's own, also where others have room for one more stream.
    ///   - isWanted: whether there is any use in trying the next.
    ///   - initialise: puts the last handler into the channel, once what is beneath it is ready.
    /// - Returns: the channel, when a request can be written to it.
    func connect(
        to endpoint: EndpointAddress, at addresses: [String], isShared: Bool = true,
        isWanted: @escaping () -> Bool = { true }, _ initialise: @escaping (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        guard endpoint.wire.speaksHTTP2 else { return open(endpoint, addresses, isWanted, initialise) }
        return isShared
            ? stream(to: endpoint, addresses, initialise) : onlyStream(to: endpoint, addresses, isWanted, initialise)
    }

    // MARK: - Connections

    private func open(
        _ endpoint: EndpointAddress, _ addresses: [String], _ isWanted: @escaping () -> Bool,
        _ initialise: @escaping (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        let (eventLoop, wire) = (eventLoop, endpoint.wire)
        func dial(_ initialise: @escaping (any Channel) throws -> Void) -> EventLoopFuture<any Channel> {
            NIODial(addresses, port: endpoint.port, on: eventLoop, isWanted: isWanted, initialise: initialise).connect()
        }
        guard wire != .plain else { return dial(initialise) }
        let ready = eventLoop.makePromise(of: (any Channel).self)
        security(of: endpoint).assumeIsolated().whenComplete { result in
            do {
                let context = try result.get()
                dial { channel in
                    let pipeline = channel.pipeline.syncOperations
                    if let context {
                        let name = wire.tls?.name(for: endpoint.host)
                        try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: name))
                    }
                    try pipeline.addHandler(ReadinessWaiter(wire, ready, initialise))
                }.whenFailure { ready.fail($0) }
            } catch {
                ready.fail(error)
            }
        }
        return ready.futureResult
    }

    private func security(of address: EndpointAddress) -> EventLoopFuture<NIOSSLContext?> {
        guard address.wire.tls != nil else { return eventLoop.makeSucceededFuture(nil) }
        let made = eventLoop.makePromise(of: NIOSSLContext?.self)
        do {
            let known = try NIOSSLContext.towardsUpstreams.context(for: address.wire, showing: options.certificates) {
                made.completeWith($0.map { $0 })
            }
            if let known { made.succeed(known) }
        } catch {
            made.fail(error)
        }
        return made.futureResult
    }

    // MARK: - Streams

    /// A stream of a connection that has room for it, or of a new one. Those who ask while one is being made wait for it.
    private func stream(
        to address: EndpointAddress, _ addresses: [String], _ initialise: @escaping (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        if let known = http2[address]?.first(where: \.hasRoom) {
            return known.stream(idleTime: address.idleTime, initialise)
        }
        let upstream = HTTP2Upstream(address.wire, options: options, eventLoop: eventLoop) {
            [weak self] upstream in
            self?.http2[address]?.removeAll { $0 === upstream }
            if self?.http2[address]?.isEmpty == true { self?.http2[address] = nil }
        }
        http2[address, default: []].append(upstream)
        let stream = upstream.stream(idleTime: address.idleTime, initialise)
        upstream.opened(by: open(address, addresses, { true }, upstream.initialise))
        return stream
    }

    /// The only stream that a connection ever has.
    private func onlyStream(
        to address: EndpointAddress, _ addresses: [String], _ isWanted: @escaping () -> Bool,
        _ initialise: @escaping (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        let upstream = HTTP2Upstream(address.wire, options: options, eventLoop: eventLoop) { _ in }
        let stream = upstream.stream(idleTime: address.idleTime, initialise)
        upstream.leave()
        upstream.opened(by: open(address, addresses, isWanted, upstream.initialise))
        return stream
    }

    /// Closes the connections whose streams nobody uses.
    func shutDown() {
        for upstream in http2.values.flatMap({ $0 }) { upstream.close() }
    }
}

/// Waits until a connection is there, handshake included, and then puts what speaks on it into its own place.
private final class ReadinessWaiter: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    /// For all of a handshake: who waits has a deadline of its own, and tells nobody when it has come.
    private static let patience = TimeAmount.seconds(120)

    private let wire: UpstreamWire
    private let ready: EventLoopPromise<any Channel>
    private let initialise: (any Channel) throws -> Void
    private var cutOff: Scheduled<Void>?

    init(
        _ wire: UpstreamWire, _ ready: EventLoopPromise<any Channel>,
        _ initialise: @escaping (any Channel) throws -> Void
    ) {
        self.wire = wire
        self.ready = ready
        self.initialise = initialise
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        cutOff = channel.eventLoop.scheduleTask(in: Self.patience) { channel.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { cutOff?.cancel() }

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
