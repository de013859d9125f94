// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import NIOSSL
import Synchronization
import TurnpikeProxy

/// An upstream that speaks HTTP/2, in the clear or over TLS, and answers by its script.
final class HTTP2Origin: Sendable {
    struct Request: Sendable {
        var head: HPACKHeaders
        var body: [UInt8] = []
        var trailers: HPACKHeaders?

        subscript(name: String) -> String? { head.first(name: name) }
    }

    enum Reply: Sendable {
        /// The answer to the whole request.
        case answer(status: Int, [(String, String)] = [], body: String = "", trailers: [(String, String)]? = nil)
        /// Each piece of content goes back as it comes; at the end these trailers.
        case echo(trailers: [(String, String)])
        case reset(HTTP2ErrorCode)
        case silence
    }

    private struct State {
        var requests: [Request] = []
        var connections: [any Channel] = []
        var listener: (any Channel)?
    }

    private let state = Mutex(State())
    private let script: @Sendable (HPACKHeaders) -> Reply

    private init(_ script: @escaping @Sendable (HPACKHeaders) -> Reply) { self.script = script }

    static func start(
        tls certificate: ServerCertificate? = nil, streams: Int = 100,
        _ script: @escaping @Sendable (HPACKHeaders) -> Reply = {
            .answer(status: 200, body: $0.first(name: ":path") ?? "")
        }
    ) async throws -> HTTP2Origin {
        let origin = HTTP2Origin(script)
        let context = try certificate.map { try TestTLS.server($0, speaking: ["h2"]) }
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                origin.state.withLock { $0.connections.append(channel) }
                return channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    }
                    var configuration = NIOHTTP2Handler.ConnectionConfiguration()
                    configuration.initialSettings = [HTTP2Setting(parameter: .maxConcurrentStreams, value: streams)]
                    _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
                        mode: .server, connectionConfiguration: configuration, streamConfiguration: .init(),
                        inboundStreamInitializer: { stream in
                            stream.eventLoop.makeCompletedFuture {
                                try stream.pipeline.syncOperations.addHandler(Handler(origin))
                            }
                        })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        origin.state.withLock { $0.listener = channel }
        return origin
    }

    var port: Int { state.withLock { $0.listener?.localAddress?.port ?? 0 } }
    var requests: [Request] { state.withLock { $0.requests } }
    var connections: Int { state.withLock { $0.connections.count } }

    func stop() async {
        let (listener, open) = state.withLock { ($0.listener, $0.connections) }
        try? await listener?.close().get()
        for channel in open { try? await channel.close().get() }
    }

    /// Returns once the client has closed the connection that came first.
    func firstConnectionClosed() async throws { try await state.withLock { $0.connections.first }?.closeFuture.get() }

    /// Says that no more streams are taken, on every connection.
    func leave() async throws {
        for channel in state.withLock({ $0.connections }) where channel.isActive {
            let frame = HTTP2Frame(
                streamID: .rootStream, payload: .goAway(lastStreamID: .maxID, errorCode: .noError, opaqueData: nil))
            try await channel.pipeline.handler(type: NIOHTTP2Handler.self).flatMap { _ in
                channel.writeAndFlush(frame)
            }.get()
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTP2Frame.FramePayload
        typealias OutboundOut = HTTP2Frame.FramePayload

        private let origin: HTTP2Origin
        private var request: Request?
        private var reply = Reply.silence

        init(_ origin: HTTP2Origin) { self.origin = origin }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .headers(let headers):
                if request == nil { begin(headers.headers, context) } else { request?.trailers = headers.headers }
                if headers.endStream { end(context) }
            case .data(let data):
                guard case .byteBuffer(let buffer) = data.data else { return }
                request?.body.append(contentsOf: buffer.readableBytesView)
                if case .echo = reply, buffer.readableBytes > 0 {
                    write(.data(.init(data: .byteBuffer(buffer))), context)
                }
                if data.endStream { end(context) }
            default: break
            }
        }

        private func begin(_ head: HPACKHeaders, _ context: ChannelHandlerContext) {
            request = Request(head: head)
            reply = origin.script(head)
            switch reply {
            case .echo:
                write(.headers(.init(headers: [":status": "200", "content-type": "application/grpc"])), context)
            case .reset(let code): write(.rstStream(code), context)
            case .answer, .silence: break
            }
        }

        private func end(_ context: ChannelHandlerContext) {
            guard let request else { return }
            origin.state.withLock { $0.requests.append(request) }
            switch reply {
            case .answer(let status, let fields, let body, let trailers):
                let headers = HPACKHeaders([(":status", String(status))] + fields)
                write(.headers(.init(headers: headers, endStream: body.isEmpty && trailers == nil)), context)
                if !body.isEmpty {
                    write(
                        .data(.init(data: .byteBuffer(ByteBuffer(string: body)), endStream: trailers == nil)), context)
                }
                if let trailers { write(.headers(.init(headers: HPACKHeaders(trailers), endStream: true)), context) }
            case .echo(let trailers):
                write(.headers(.init(headers: HPACKHeaders(trailers), endStream: true)), context)
            case .reset, .silence: break
            }
        }

        private func write(_ frame: HTTP2Frame.FramePayload, _ context: ChannelHandlerContext) {
            context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
        }
    }
}
