// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP2
import TurnpikeProxyCore

/// HTTP/2 towards a client (RFC 9113): each stream is a channel of its own, in which a ``HTTP2ServerStream`` makes HTTP/1.1 of
/// it for a ``ClientHandler``.
enum HTTP2Server {
    /// Streams of one connection at once.
    static let concurrentStreams = 100
    /// Bytes of a stream that may come before they are used.
    static let streamWindow = 256 << 10
    /// The same of all streams of a connection together.
    static let connectionWindow = 1 << 20

    /// Makes a channel speak HTTP/2, on its event loop. What its client may waste is bounded: resets, malformed streams, pings
    /// and settings by rates, continued and empty frames by counts; beyond that the connection ends.
    static func add(
        to channel: any Channel, scheme: RequestForwarding.Scheme, engine: NIOEngine, connector: UpstreamConnector
    ) throws {
        let faults = HTTP2Faults(of: channel, engine.watch.metrics)
        let idleness = HTTP2Idleness(
            of: channel, patience: .nanoseconds(Int64(clamping: engine.gateway.limits.idleTimeout)))
        let bound = NIOLoopBound(
            (engine: engine, connector: connector, faults: faults, idleness: idleness), eventLoop: channel.eventLoop)
        let limits = engine.gateway.limits
        let idle = TimeAmount.nanoseconds(Int64(clamping: limits.idleTimeout))
        let management = NIOHTTP2ServerConnectionManagementHandler(
            eventLoop: channel.eventLoop,
            configuration: .init(maxIdleTime: idle, maxAge: nil, maxGraceTime: nil, keepalive: nil))
        let http2 = NIOHTTP2Handler(
            mode: .server, eventLoop: channel.eventLoop,
            connectionConfiguration: connectionConfiguration(headBytes: limits.head.headBytes),
            streamConfiguration: streamConfiguration, streamDelegate: management.http2StreamDelegate
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandlers([
                    HTTP2ServerStream(
                        limits: bound.value.engine.gateway.limits.head, faults: bound.value.faults,
                        idleness: bound.value.idleness),
                    ClientHandler(
                        engine: bound.value.engine, connector: bound.value.connector, scheme: scheme, speaksHTTP2: true),
                ])
            }
        }
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandlers([http2, management, ConnectionEnds(faults, idleness)])
        // The channel was active before the handlers came: a client that opens no stream is idle too.
        management.channelActive(context: try pipeline.context(handler: management))
    }

    /// Ends a connection that has done what it must not, once it was told so (GOAWAY), and one that has nothing more to do. Faults of
    /// a stream end that stream only.
    private final class ConnectionEnds: ChannelInboundHandler {
        typealias InboundIn = HTTP2Frame

        private let faults: HTTP2Faults
        private let idleness: HTTP2Idleness

        init(_ faults: HTTP2Faults, _ idleness: HTTP2Idleness) {
            self.faults = faults
            self.idleness = idleness
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if event is ChannelShouldQuiesceEvent { idleness.saysGoodbye() }
        }

        func channelInactive(context: ChannelHandlerContext) { idleness.connectionEnded() }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            // Of one stream, which was reset for it.
            if error is NIOHTTP2Errors.StreamError || error is NIOHTTP2Errors.TrailersWithoutEndStream { return }
            // Who says goodbye to a connection that says it too does nothing wrong: it ends with its streams.
            if error is NIOHTTP2Errors.IOOnClosedConnection { return }
            if let fault = HTTP2ConnectionFault(error) { faults.connectionFailed(fault) }
            context.close(promise: nil)
        }
    }

    private static func connectionConfiguration(headBytes: Int) -> NIOHTTP2Handler.ConnectionConfiguration {
        var configuration = NIOHTTP2Handler.ConnectionConfiguration()
        configuration.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: concurrentStreams),
            HTTP2Setting(parameter: .maxHeaderListSize, value: headBytes),
            HTTP2Setting(parameter: .initialWindowSize, value: streamWindow),
        ]
        configuration.targetWindowSize = connectionWindow
        // Streams look at that themselves: what SwiftNIO finds malformed it resets, and nobody could say why.
        configuration.headerBlockValidation = .disabled
        configuration.contentLengthValidation = .disabled
        return configuration
    }

    static var streamConfiguration: NIOHTTP2Handler.StreamConfiguration {
        var configuration = NIOHTTP2Handler.StreamConfiguration()
        configuration.targetWindowSize = streamWindow
        configuration.outboundBufferSizeHighWatermark = 64 << 10
        configuration.outboundBufferSizeLowWatermark = 32 << 10
        return configuration
    }
}
