// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOSSL
import TurnpikeProxyCore

#if os(Linux)
// Its header brings some of the C library's structures along, which then count as its own.
import CEpoll
#endif

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Moves bytes and events between one client's channel, the upstream's, and the ``ServerConnection`` that decides.
///
/// The last handler of its channel, and the only one that knows HTTP/1.1. Carrying out an action can make the channel call back at once (a write that fills its
/// buffer, a close); such events wait until the actions of the one before are all done.
final class ClientHandler: NIOClient, ChannelInboundHandler, NIOScheduledCallbackHandler, UpstreamUser {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Event {
        case received(ByteBuffer)
        case closed
        case malformed(HTTP2Fault)
        case ended
        case writability(Bool)
        case upstream(UpstreamEvent)
        case leasesChanged
        case timer
        case drain
    }

    private let engine: NIOEngine
    private let connector: UpstreamConnector
    private let scheme: RequestForwarding.Scheme
    private let speaksHTTP2: Bool
    /// Nil before the channel is active.
    private var address: ClientAddress?
    /// Nil while it rests.
    private var connection: ServerConnection?
    /// When a client that rests has done so for too long.
    private var restsUntil = UInt64.max
    private var context: ChannelHandlerContext?
    private var output: PendingOutput?
    private var upstream: UpstreamHandler?
    private var isHandling = false
    private var waitingEvents: CircularBuffer<Event> = []
    private var timer: (callback: NIOScheduledCallback, at: UInt64)?
    /// Under way, or done, since the last answer.
    private var outputShut: EventLoopFuture<Void>?
    /// It speaks something else than HTTP, and may end what it sends before it has heard all.
    private var isTunnel = false
    private var isInputEnded = false
    /// The connection did not end in order.
    private var hasFailed = false

    /// - Parameter speaksHTTP2: the channel is a stream of HTTP/2.
    init(
        engine: NIOEngine, connector: UpstreamConnector, scheme: RequestForwarding.Scheme, speaksHTTP2: Bool = false
    ) {
        self.engine = engine
        self.connector = connector
        self.scheme = scheme
        self.speaksHTTP2 = speaksHTTP2
    }

    // MARK: - Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { open(context) }
    }

    func channelActive(context: ChannelHandlerContext) { open(context) }

    private func open(_ context: ChannelHandlerContext) {
        guard address == nil else { return }
        guard engine.admit(self) else { return context.close(promise: nil) }
        engine.tick()
        // By way of the channel: the context's short cut is not there in a stream of HTTP/2.
        address = ClientAddress(context.channel.remoteAddress)
        restsUntil = engine.gateway.now + engine.gateway.limits.idleTimeout
        armTimer(restsUntil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { handle(.received(unwrapInboundIn(data))) }

    func channelWritabilityChanged(context: ChannelHandlerContext) { handle(.writability(context.channel.isWritable)) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let fault = event as? HTTP2Fault { return malformed(fault) }
        guard case ChannelEvent.inputClosed? = event as? ChannelEvent else { return }
        isInputEnded = true
        handle(.ended)
    }

    /// What it has sent is no HTTP/2 message, and its stream ends.
    private func malformed(_ fault: HTTP2Fault) {
        if connection != nil { return handle(.malformed(fault)) }
        guard let address, let context else { return }
        engine.tick()
        let answer = engine.gateway.refused(fault, from: address, over: scheme)
        context.write(NIOAny(context.channel.allocator.buffer(bytes: answer)), promise: nil)
        shutOutput(thenClose: true)
    }

    func channelInactive(context: ChannelHandlerContext) {
        // A channel whose sending side is shut closes when the other side ends.
        if connection != nil { handle(isTunnel && outputShut != nil && !hasFailed ? .ended : .closed) }
        leave()
    }

    func handlerRemoved(context: ChannelHandlerContext) { leave() }

    /// A reset, most often. The channel is of no use after any error.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        hasFailed = true
        context.close(promise: nil)
    }

    override func leasesChanged() { handle(.leasesChanged) }

    override func drain() { handle(.drain) }

    override func abort() {
        if upstream == nil { context?.close(promise: nil) } else { reset() }
    }

    /// Within an answer, whose end an orderly close could be taken for.
    private func reset() {
        guard let context else { return }
        hasFailed = true
        _ = (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        let tls = try? context.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
        // Past TLS, which would say goodbye in due form.
        (tls ?? context).close(promise: nil)
    }

    private func leave() {
        context = nil
        timer?.callback.cancel()
        timer = nil
        engine.forget(self)
    }

    // MARK: - Events

    func handle(_ event: UpstreamEvent) { handle(.upstream(event)) }

    private func handle(_ event: Event) {
        guard !isHandling else { return waitingEvents.append(event) }
        guard let connection = connection ?? wake() else { return }
        isHandling = true
        engine.tick()
        report(event, to: connection)
        while let next = waitingEvents.popFirst() { report(next, to: connection) }
        isHandling = false
        engine.settle(self, waits: connection.waitsForGrant)
        armTimer(connection.deadline)
        if connection.rests { rest(connection) }
        startMirrors()
    }

    /// - Returns: nil where the channel is not active, or not any more.
    private func wake() -> ServerConnection? {
        guard let address, let context else { return nil }
        if output == nil { output = PendingOutput(allocator: context.channel.allocator) }
        connection = engine.gateway.connection(
            for: address, over: scheme, speaksHTTP2: speaksHTTP2, until: restsUntil)
        return connection
    }

    private func rest(_ connection: ServerConnection) {
        restsUntil = connection.deadline
        self.connection = nil
        engine.gateway.rest(connection)
    }

    private func report(_ event: Event, to connection: ServerConnection) {
        var received: ByteBuffer?
        switch event {
        case .received(let buffer):
            received = buffer
            buffer.withUnsafeReadableBytes { connection.receivedFromClient($0) }
        case .upstream(.received(let id, let buffer)):
            received = buffer
            buffer.withUnsafeReadableBytes { connection.receivedFromUpstream(id, $0) }
        case .upstream(.connected(let id)): connection.upstreamConnected(id)
        case .upstream(.failed(let id)): connection.upstreamFailed(id)
        case .upstream(.closed(let id, let inOrder)):
            if upstream?.id == id { upstream = nil }
            connection.upstreamClosed(id, inOrder: inOrder)
        case .upstream(.refused(let id)):
            if upstream?.id == id { upstream = nil }
            connection.upstreamRefused(id)
        case .upstream(.ended(let id)): connection.upstreamEnded(id)
        case .upstream(.unusable(let id)): connection.upstreamUnusable(id)
        case .upstream(.writability(let id, let isWritable)): connection.upstreamWritability(id, isWritable)
        case .closed: connection.clientClosed()
        case .malformed(let fault): connection.clientClosed(for: fault)
        case .ended: connection.clientEnded()
        case .writability(let isWritable): connection.clientWritability(isWritable)
        case .leasesChanged: connection.leasesChanged()
        case .timer: connection.timerFired()
        case .drain: connection.drain()
        }
        connection.takeActions { perform($0, of: connection, received: received) }
        upstream?.flush()
        if let context { output?.flush(to: context) }
    }

    private func startMirrors() {
        while let copy = engine.gateway.takeMirror() { NIOMirror(copy, engine: engine, connector: connector).start() }
    }

    // MARK: - Actions

    private func perform(_ action: ExchangeAction, of connection: ServerConnection, received: ByteBuffer?) {
        switch action {
        case .sendToClient(.staged(let range)): output?.append(connection.clientStage[range])
        case .sendToClient(.received(let range)):
            if let context, let piece = received?.slice(range) { output?.append(piece, to: context) }
        case .sendToUpstream(.staged(let range)): upstream?.send(connection.upstreamStage[range])
        case .sendToUpstream(.received(let range)):
            if let piece = received?.slice(range) { upstream?.send(piece) }
        case .connect(let id, let endpoint): connect(id, endpoint: endpoint)
        case .attach(let id): attach(id)
        case .detach: letGo()
        case .closeUpstream(let id):
            letGo()
            engine.close(id)
        case .endUpstream(let id):
            letGo()
            engine.end(id)
        case .beginTunnel:
            isTunnel = true
            context?.channel.allowHalfClosure()
            upstream?.beginTunnel()
        case .shutUpstreamOutput: upstream?.shutOutput()
        case .readFromClient(let reads): context?.channel.setReading(reads)
        case .readFromUpstream(let reads): upstream?.setReading(reads)
        case .shutClientOutput: shutOutput(thenClose: false)
        case .closeClient: shutOutput(thenClose: true)
        case .abortClient: reset()
        }
    }

    private func connect(_ id: UpstreamID, endpoint: Int) {
        let handler = UpstreamHandler(id: id, engine: engine, user: self)
        engine.keep(handler)
        handler.connect(to: engine.gateway.upstreams.address(of: endpoint), by: connector)
    }

    /// Takes an idle connection, having looked at it once more: it may have been closed since it was put away.
    private func attach(_ id: UpstreamID) {
        guard let idle = engine.upstream(id), idle.isOpen else {
            engine.close(id)
            return waitingEvents.append(.upstream(.unusable(id)))
        }
        idle.user = self
        upstream = idle
        // It may still be sending the rest of a request that was answered early.
        if !idle.isWritable { waitingEvents.append(.upstream(.writability(id, false))) }
    }

    /// A connection that `connect` has asked for is there.
    func use(_ connected: UpstreamHandler) {
        upstream = connected
        handle(.upstream(.connected(connected.id)))
    }

    private func letGo() {
        upstream?.flush()
        upstream?.user = nil
        upstream?.setReading(true)
        upstream = nil
    }

    /// Closes the sending side once all is sent, and the rest if wished. A client that takes nothing any more is cut off.
    private func shutOutput(thenClose: Bool) {
        guard let context else { return }
        output?.flush(to: context)
        let channel = context.channel
        // Where the client has ended already, shutting the other side would be the end, whatever waits to be sent.
        let sent =
            outputShut
            ?? (isInputEnded ? context.writeAndFlush(NIOAny(ByteBuffer())) : channel.close(mode: .output))
        if outputShut == nil {
            outputShut = sent
            let patience = TimeAmount.nanoseconds(Int64(clamping: engine.gateway.limits.bodyTimeout))
            let cutOff = channel.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
            sent.whenComplete { _ in cutOff.cancel() }
        }
        if thenClose { sent.whenComplete { _ in channel.close(promise: nil) } }
    }

    // MARK: - Time

    /// A deadline that moved away leaves the timer as it is: it comes too early once, and is then set again.
    private func armTimer(_ deadline: UInt64) {
        guard let context, deadline != .max else { return }
        if let timer {
            guard deadline < timer.at else { return }
            timer.callback.cancel()
        }
        guard
            let callback = try? context.eventLoop.assumeIsolated().scheduleCallback(
                at: .uptimeNanoseconds(deadline), handler: self)
        else { return }
        timer = (callback, deadline)
    }

    func handleScheduledCallback(eventLoop: some EventLoop) {
        timer = nil
        handle(.timer)
    }
}

extension ByteBuffer {
    /// A part of what can be read, sharing the memory.
    fileprivate func slice(_ range: ByteRange) -> ByteBuffer? {
        getSlice(at: readerIndex + range.lowerBound, length: range.count)
    }
}

extension Channel {
    /// Stops or resumes reading. On the channel's event loop.
    func setReading(_ reads: Bool) {
        // Fails only on a channel that is closed, from which nothing comes any more.
        try? syncOptions?.setOption(.autoRead, value: reads)
        // A stream of HTTP/2 does not begin to by that alone.
        if reads { read() }
    }

    /// From here on, a peer that ends what it sends is still there. On the channel's event loop.
    func allowHalfClosure() {
        // Fails only on a channel that is closed.
        try? syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
    }
}
