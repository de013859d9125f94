// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TurnpikeProxyCore

/// What happens to an upstream connection, for whoever uses it.
enum UpstreamEvent {
    case connected(UpstreamID)
    case failed(UpstreamID)
    case received(UpstreamID, ByteBuffer)
    /// - Parameter inOrder: else something may be missing of what was received.
    case closed(UpstreamID, inOrder: Bool)
    case ended(UpstreamID)
    /// It has not begun with the request that it was sent.
    case refused(UpstreamID)
    case unusable(UpstreamID)
    case writability(UpstreamID, Bool)
}

/// Who uses an upstream connection: a client's, or the copy of a request.
protocol UpstreamUser: AnyObject {
    /// The connection that was asked for is there.
    func use(_ connected: UpstreamHandler)
    func handle(_ event: UpstreamEvent)
}

/// The channel of one upstream connection, which serves one user after the other.
///
/// While it is nobody's it must be silent; whatever it says then, and its end, make it useless.
final class UpstreamHandler: ChannelInboundHandler, EngineUpstream {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let id: UpstreamID
    private let engine: NIOEngine
    /// Whom it serves at present.
    var user: (any UpstreamUser)?
    private var context: ChannelHandlerContext?
    private var output: PendingOutput?
    private var isClosed = false
    /// The connection did not end in order.
    private var hasFailed = false
    private var isRefused = false
    private var isInputEnded = false
    /// Under way, or done.
    private var outputShut: EventLoopFuture<Void>?

    init(id: UpstreamID, engine: NIOEngine, user: any UpstreamUser) {
        self.id = id
        self.engine = engine
        self.user = user
    }

    // MARK: - Connecting

    func connect(to address: EndpointAddress, by connector: UpstreamConnector) {
        engine.watcher.addresses(of: address) { addresses in
            connector.connect(to: address, at: addresses, isWanted: { !self.isClosed }) {
                try $0.pipeline.syncOperations.addHandler(self)
            }
            .assumeIsolated().whenComplete { self.connected($0, address) }
        }
    }

    private func connected(_ result: Result<any Channel, any Error>, _ address: EndpointAddress) {
        switch result {
        case .success(let channel):
            guard !isClosed, let user else { return channel.close(promise: nil) }
            user.use(self)
        case .failure(let error):
            engine.noteUnreachable(address, error)
            let waiting = user
            user = nil
            if !isClosed { engine.close(id) }
            waiting?.handle(.failed(id))
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

    // MARK: - Ends

    /// Closes the connection without telling anybody.
    func close() {
        isClosed = true
        user = nil
        context?.close(promise: nil)
    }

    /// It speaks something else than HTTP from here on, and may end what it sends before it has heard all.
    func beginTunnel() { context?.channel.allowHalfClosure() }

    /// Closes the sending side once everything is sent.
    func shutOutput() {
        // Of a channel whose other side is closed this would be the end, whatever waits to be sent.
        guard let context, !isInputEnded else { return }
        flush()
        outputShut = context.channel.close(mode: .output)
    }

    func end() {
        isClosed = true
        user = nil
        guard let context else { return engine.forget(self) }
        flush()
        let channel = context.channel
        let sent = outputShut ?? context.writeAndFlush(NIOAny(ByteBuffer()))
        let patience = TimeAmount.nanoseconds(Int64(clamping: engine.gateway.limits.bodyTimeout))
        let cutOff = channel.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
        sent.assumeIsolated().whenComplete { _ in
            cutOff.cancel()
            channel.close(promise: nil)
            self.engine.forget(self)
        }
    }

    // MARK: - Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        output = PendingOutput(allocator: context.channel.allocator)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        // It may be in the channel of the next address by now.
        if self.context === context { self.context = nil }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if let user {
            user.handle(.received(id, unwrapInboundIn(data)))
        } else if !isClosed {
            engine.lost(self)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        user?.handle(.writability(id, context.channel.isWritable))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is HTTP2ClientStream.Refusal { isRefused = true }
        guard case ChannelEvent.inputClosed? = event as? ChannelEvent, !isClosed else { return }
        isInputEnded = true
        if let user { user.handle(.ended(id)) } else { engine.lost(self) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        guard !isClosed else { return }
        isClosed = true
        if let user {
            self.user = nil
            engine.forget(self)
            if isRefused { return user.handle(.refused(id)) }
            // A channel whose sending side is shut closes when the other side ends.
            user.handle(outputShut == nil || hasFailed ? .closed(id, inOrder: !hasFailed) : .ended(id))
        } else {
            engine.lost(self)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        hasFailed = true
        context.close(promise: nil)
    }
}
