// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP2
import TurnpikeProxyCore

/// One HTTP/2 connection to an upstream, and its streams. Confined to its event loop.
///
/// It takes streams from the beginning, which wait until it is there; no more at once than the upstream allows; and none any
/// more once the upstream says that it leaves (GOAWAY). It closes after a while without any, as its service says, and where the
/// upstream has gone silent (``HTTP2Silence``).
final class HTTP2Upstream {
    private static let mostStreams = 100

    private let wire: UpstreamWire
    private let limits: HeadLimits
    private let eventLoop: any EventLoop
    private let whenGone: (HTTP2Upstream) -> Void
    private let ready: EventLoopPromise<NIOHTTP2Handler.StreamMultiplexer>
    private var channel: (any Channel)?
    private var streams = 0
    private var allowed = HTTP2Upstream.mostStreams
    private var isLeaving = false
    /// The last stream that the upstream has looked at, or will, once it has said goodbye.
    private var lastServed: HTTP2StreamID?
    /// How long it is kept without a stream, as who asked last for one said.
    private var idleTime = TimeAmount.zero
    private var idle: Scheduled<Void>?
    private var silence: HTTP2SilenceWatch
    /// When silence is looked at; may come early.
    private var look: (task: Scheduled<Void>, at: UInt64)?

    init(
        _ wire: UpstreamWire, options: UpstreamOptions, eventLoop: any EventLoop,
        whenGone: @escaping (HTTP2Upstream) -> Void
    ) {
        self.wire = wire
        limits = options.limits
        silence = HTTP2SilenceWatch(options.silence)
        self.eventLoop = eventLoop
        self.whenGone = whenGone
        ready = eventLoop.makePromise()
    }

    var hasRoom: Bool { !isLeaving && streams < allowed }

    /// The upstream has said that it does not look at a stream.
    func leaves(out stream: HTTP2StreamID) -> Bool { lastServed.map { stream > $0 } ?? false }

    // MARK: - Opening

    /// Makes a channel speak HTTP/2.
    func initialise(_ channel: any Channel) throws {
        var configuration = NIOHTTP2Handler.ConnectionConfiguration()
        configuration.initialSettings = [
            HTTP2Setting(parameter: .enablePush, value: 0),
            HTTP2Setting(parameter: .maxHeaderListSize, value: limits.headBytes),
            HTTP2Setting(parameter: .initialWindowSize, value: HTTP2Server.streamWindow),
        ]
        configuration.targetWindowSize = HTTP2Server.connectionWindow
        try channel.pipeline.syncOperations.addHandler(Ear(self))
        let multiplexer = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
            mode: .client, connectionConfiguration: configuration, streamConfiguration: HTTP2Server.streamConfiguration,
            // Nobody asked for it (RFC 9113 §8.4).
            inboundStreamInitializer: { $0.close() })
        try channel.pipeline.syncOperations.addHandler(Watch(self))
        self.channel = channel
        waitsForStreams()
        ready.succeed(multiplexer)
    }

    /// What has become of the connection's making.
    func opened(by opening: EventLoopFuture<any Channel>) {
        opening.assumeIsolated().whenFailure { error in
            self.leave()
            self.ready.fail(error)
        }
    }

    // MARK: - Streams

    /// - Parameter idleTime: nanoseconds that the connection may wait for another once it has none.
    func stream(
        idleTime: UInt64, _ initialise: @escaping (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        streams += 1
        waitsForStreams()
        self.idleTime = .nanoseconds(Int64(clamping: idleTime))
        idle?.cancel()
        idle = nil
        let (limits, scheme) = (limits, wire.tls == nil ? "http" : "https")
        let bound = NIOLoopBound((upstream: self, initialise: initialise), eventLoop: eventLoop)
        let opened = ready.futureResult.flatMap { multiplexer in
            multiplexer.createStreamChannel { stream in
                stream.eventLoop.makeCompletedFuture {
                    try stream.pipeline.syncOperations.addHandler(
                        HTTP2ClientStream(of: bound.value.upstream, scheme: scheme, limits: limits))
                    try bound.value.initialise(stream)
                }
            }
        }
        opened.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let stream): stream.closeFuture.assumeIsolated().whenComplete { _ in self.ended() }
            case .failure: self.ended()
            }
        }
        return opened
    }

    private func ended() {
        streams -= 1
        waitsForStreams()
        guard streams == 0 else { return }
        if isLeaving { return close() }
        idle = eventLoop.assumeIsolated().scheduleTask(in: idleTime) { self.close() }
    }

    // MARK: - Silence

    private var now: UInt64 { NIODeadline.now().uptimeNanoseconds }

    /// An upstream that is not connected to yet owes nothing.
    private func waitsForStreams() {
        guard channel != nil else { return }
        silence.waits(streams > 0, now: now)
        lookInTime()
    }

    /// It has begun or ended an answer.
    func answered() {
        silence.answered()
        lookInTime()
    }

    private func lookInTime() {
        let due = silence.deadline
        guard due < look?.at ?? .max else { return }
        look?.task.cancel()
        let task = eventLoop.assumeIsolated().scheduleTask(deadline: .uptimeNanoseconds(due)) {
            self.look = nil
            self.lookAtSilence()
        }
        look = (task, due)
    }

    /// Asks the upstream whether it is there, or gives it up: what was sent on its streams may have reached it.
    private func lookAtSilence() {
        switch silence.judge(now: now) {
        case .fine: break
        case .ping:
            let ping = HTTP2Frame(streamID: .rootStream, payload: .ping(HTTP2PingData(), ack: false))
            channel?.writeAndFlush(ping, promise: nil)
        case .gone: return close()
        }
        lookInTime()
    }

    /// Hears that anything has come, whatever it is.
    private final class Ear: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let upstream: HTTP2Upstream

        init(_ upstream: HTTP2Upstream) { self.upstream = upstream }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            upstream.silence.heard(now: upstream.now)
            context.fireChannelRead(data)
        }
    }

    // MARK: - Ends

    func close() {
        leave()
        channel?.close(promise: nil)
    }

    /// Takes no more streams, and closes with the last.
    func leave() {
        idle?.cancel()
        idle = nil
        guard !isLeaving else { return }
        isLeaving = true
        whenGone(self)
    }

    /// Hears what the upstream says of the connection itself.
    private final class Watch: ChannelInboundHandler {
        typealias InboundIn = HTTP2Frame
        private let upstream: HTTP2Upstream

        init(_ upstream: HTTP2Upstream) { self.upstream = upstream }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data).payload {
            case .settings(.settings(let settings)):
                for setting in settings where setting.parameter == .maxConcurrentStreams {
                    upstream.allowed = min(HTTP2Upstream.mostStreams, setting.value)
                }
            case .goAway(let last, _, _):
                upstream.lastServed = last
                upstream.leave()
                if upstream.streams == 0 { upstream.close() }
            default: break
            }
        }

        func channelInactive(context: ChannelHandlerContext) {
            upstream.leave()
            upstream.look?.task.cancel()
            upstream.look = nil
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            // Of one stream, which ends for it, or of the connection, which then closes by itself.
            if !(error is NIOHTTP2Errors.StreamError) { upstream.close() }
        }
    }
}
