// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import CEpoll
import NIOCore
import NIOPosix
import TurnpikeProxyCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Upstreams that speak what this transport does not, HTTP/2, for one loop: a thread of SwiftNIO's beside it speaks
/// with them, and each of their connections reaches the loop as one end of a socket pair on which HTTP/1.1 is spoken.
///
/// Made on the first use. The loop's thread calls it; all else happens on the bridge's own.
final class UpstreamBridge: Sendable {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let eventLoop: any EventLoop
    private let connector: NIOLoopBoundBox<UpstreamConnector>
    private let loop: EpollLoop

    init(loop: EpollLoop, options: UpstreamOptions) {
        self.loop = loop
        eventLoop = group.next()
        connector = NIOLoopBoundBox.makeBoxSendingValue(
            UpstreamConnector(eventLoop: eventLoop, options: options), eventLoop: eventLoop)
    }

    /// Calls back on the loop's thread with the loop's end of the pair, or why there is none. Who does not want it any more
    /// closes it.
    ///
    /// - Parameter isShared: false for a connection of one's own.
    func connect(
        to endpoint: EndpointAddress, at addresses: [String], isShared: Bool = true,
        _ done: @escaping @Sendable (Result<Descriptor, any Error>) -> Void
    ) {
        let pair: (near: Descriptor, far: Int32)
        do throws(SystemFault) { pair = try Self.pair() } catch { return done(.failure(error)) }
        let (connector, loop, eventLoop) = (connector, loop, eventLoop)
        eventLoop.execute {
            let near = RelayHandler()
            let bound = NIOLoopBound(near, eventLoop: eventLoop)
            ClientBootstrap(group: eventLoop)
                .channelOption(.autoRead, value: false)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(bound.value)
                    }
                }
                .withConnectedSocket(pair.far)
                .flatMap { channel in
                    connector.value.connect(to: endpoint, at: addresses, isShared: isShared) { upstream in
                        try upstream.pipeline.syncOperations.addHandler(RelayHandler(other: bound.value))
                    }
                    .flatMapErrorThrowing { error in
                        channel.close(promise: nil)
                        throw error
                    }
                }
                .assumeIsolated().whenComplete { result in
                    if case .success = result { bound.value.start() }
                    let answer = result.map { _ in pair.near }
                    loop.execute {
                        if case .failure = answer { pair.near.closeNow() }
                        done(answer)
                    }
                }
        }
    }

    private static func pair() throws(SystemFault) -> (near: Descriptor, far: Int32) {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, CEpollStreamSocket, 0, &ends) == 0 else { throw .last("socketpair") }
        return (Descriptor(number: ends[0]), ends[1])
    }

    /// Ends the thread, and with it what is open.
    func shutDown() { group.shutdownGracefully { _ in } }
}

/// One of two channels that pass on to each other what comes, no faster than it is taken, until either ends.
private final class RelayHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var other: RelayHandler?
    private var context: ChannelHandlerContext?

    init() {}

    init(other: RelayHandler) {
        self.other = other
        other.other = self
    }

    /// Begins to read: until then the other end was not there.
    func start() { context?.channel.setReading(true) }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        other = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { other?.context?.write(data, promise: nil) }

    func channelReadComplete(context: ChannelHandlerContext) { other?.context?.flush() }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        other?.context?.channel.setReading(context.channel.isWritable)
    }

    func channelInactive(context: ChannelHandlerContext) {
        let partner = other
        other = nil
        partner?.other = nil
        partner?.context?.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

#endif
