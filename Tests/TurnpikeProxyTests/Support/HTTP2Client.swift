// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import Synchronization

/// A client's HTTP/2 connection over TLS, on whose streams a test says and hears what it wants to, frame by frame.
final class HTTP2Client: Sendable {
    let channel: any Channel
    private let multiplexer: NIOHTTP2Handler.StreamMultiplexer
    /// Why the server says that it ends the connection.
    let goodbye: Goodbye

    private init(channel: any Channel, multiplexer: NIOHTTP2Handler.StreamMultiplexer, goodbye: Goodbye) {
        self.channel = channel
        self.multiplexer = multiplexer
        self.goodbye = goodbye
    }

    /// - Parameters:
    ///   - isSecure: over TLS.
    ///   - validates: whether the client keeps to what HTTP/2 allows in fields.
    static func connect(
        port: Int, isSecure: Bool = true, serverName: String? = "api.acme.test", window: Int = 65_535,
        validates: Bool = true
    ) async throws -> HTTP2Client {
        let goodbye = Goodbye()
        // All of it before the connection is made: what the server says first must find its reader.
        return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(
            host: "127.0.0.1", port: port
        ) { channel in
            channel.eventLoop.makeCompletedFuture {
                let pipeline = channel.pipeline.syncOperations
                if isSecure { try pipeline.addHandler(TestTLS.client(serverName, offering: ["h2"])) }
                let multiplexer = try configure(pipeline, window: window, validates: validates)
                try pipeline.addHandler(goodbye)
                return HTTP2Client(channel: channel, multiplexer: multiplexer, goodbye: goodbye)
            }
        }
    }

    private static func configure(
        _ pipeline: ChannelPipeline.SynchronousOperations, window: Int, validates: Bool
    ) throws -> NIOHTTP2Handler.StreamMultiplexer {
        var configuration = NIOHTTP2Handler.ConnectionConfiguration()
        if !validates { configuration.headerBlockValidation = .disabled }
        if !validates { configuration.contentLengthValidation = .disabled }
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.targetWindowSize = window
        configuration.initialSettings = [
            HTTP2Setting(parameter: .enablePush, value: 0),
            HTTP2Setting(parameter: .initialWindowSize, value: window),
        ]
        return try pipeline.configureHTTP2Pipeline(
            mode: .client, connectionConfiguration: configuration, streamConfiguration: stream,
            inboundStreamInitializer: { $0.close() })
    }

    func stream() async throws -> HTTP2Exchange {
        let inbox = HTTP2Exchange.Inbox()
        let stream = try await multiplexer.createStreamChannel { stream in
            stream.eventLoop.makeCompletedFuture { try stream.pipeline.syncOperations.addHandler(inbox) }
        }.get()
        return HTTP2Exchange(stream: stream, inbox: inbox)
    }

    /// One request without content.
    func get(_ path: String = "/v1/orders", _ fields: [(String, String)] = []) async throws -> HTTP2Exchange.Response {
        let exchange = try await stream()
        try await exchange.send(HTTP2Client.head("GET", path, fields), endsStream: true)
        return await exchange.response()
    }

    static func head(_ method: String, _ path: String, _ fields: [(String, String)] = []) -> HPACKHeaders {
        HPACKHeaders(
            [(":method", method), (":scheme", "https"), (":authority", "api.acme.test"), (":path", path)] + fields)
    }

    func closed() async throws { try await channel.closeFuture.get() }

    func close() async { try? await channel.close().get() }

    final class Goodbye: ChannelInboundHandler, Sendable {
        typealias InboundIn = HTTP2Frame
        private let state = Mutex<HTTP2ErrorCode?>(nil)
        var code: HTTP2ErrorCode? { state.withLock { $0 } }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if case .goAway(_, let code, _) = unwrapInboundIn(data).payload { state.withLock { $0 = code } }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {}
    }
}

/// One stream of a ``HTTP2Client``.
struct HTTP2Exchange: Sendable {
    struct Response: Sendable {
        var heads: [HPACKHeaders] = []
        var body: [UInt8] = []
        var trailers: HPACKHeaders?
        var hasEnded = false
        /// Of the RST_STREAM that ended it.
        var reset: HTTP2ErrorCode?

        var status: Int? { heads.last?.first(name: ":status").flatMap { Int($0) } }
        var text: String { String(decoding: body, as: UTF8.self) }
        subscript(name: String) -> String? { heads.last?.first(name: name) }
    }

    final class Inbox: ChannelInboundHandler, Sendable {
        typealias InboundIn = HTTP2Frame.FramePayload

        private struct State {
            var response = Response()
            var isOver = false
            var waiter: (until: @Sendable (Response) -> Bool, continuation: CheckedContinuation<Void, Never>)?
        }

        private let state = Mutex(State())

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .headers(let headers):
                change { response in
                    let isInterim = response.status.map { $0 < 200 } ?? true
                    if isInterim { response.heads.append(headers.headers) } else { response.trailers = headers.headers }
                    response.hasEnded = headers.endStream
                }
            case .data(let data):
                guard case .byteBuffer(let buffer) = data.data else { return }
                change { response in
                    response.body.append(contentsOf: buffer.readableBytesView)
                    response.hasEnded = data.endStream
                }
            case .rstStream(let code): change { $0.reset = code }
            default: break
            }
        }

        func channelInactive(context: ChannelHandlerContext) { giveUp() }

        func giveUp() { change(isOver: true) { _ in } }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            if let closed = error as? NIOHTTP2Errors.StreamClosed { change { $0.reset = closed.errorCode } }
        }

        private func change(isOver: Bool = false, _ body: (inout Response) -> Void) {
            let woken = state.withLock { state in
                body(&state.response)
                if isOver { state.isOver = true }
                guard let waiter = state.waiter, state.isOver || waiter.until(state.response) else {
                    return CheckedContinuation<Void, Never>?.none
                }
                state.waiter = nil
                return waiter.continuation
            }
            woken?.resume()
        }

        /// Waits until the response is so, or nothing more can come.
        func response(until: @escaping @Sendable (Response) -> Bool) async -> Response {
            await withCheckedContinuation { continuation in
                let isThere = state.withLock { state in
                    if state.isOver || until(state.response) { return true }
                    state.waiter = (until, continuation)
                    return false
                }
                if isThere { continuation.resume() }
            }
            return state.withLock { $0.response }
        }
    }

    let stream: any Channel
    fileprivate let inbox: Inbox

    func send(_ head: HPACKHeaders, endsStream: Bool = false) async throws {
        try await stream.writeAndFlush(
            HTTP2Frame.FramePayload.headers(.init(headers: head, endStream: endsStream))
        ).get()
    }

    func send(_ content: [UInt8], endsStream: Bool = false) async throws {
        let buffer = ByteBuffer(bytes: content)
        try await stream.writeAndFlush(
            HTTP2Frame.FramePayload.data(.init(data: .byteBuffer(buffer), endStream: endsStream))
        ).get()
    }

    /// The whole answer, or what there is of it once it was broken off, or after ten seconds.
    func response() async -> Response { await response { $0.hasEnded || $0.reset != nil } }

    func response(until: @escaping @Sendable (Response) -> Bool) async -> Response {
        let inbox = inbox
        let patience = stream.eventLoop.scheduleTask(in: .seconds(10)) { inbox.giveUp() }
        defer { patience.cancel() }
        return await inbox.response(until: until)
    }

    func reset(_ code: HTTP2ErrorCode = .cancel) async throws {
        try await stream.writeAndFlush(HTTP2Frame.FramePayload.rstStream(code)).get()
    }
}
