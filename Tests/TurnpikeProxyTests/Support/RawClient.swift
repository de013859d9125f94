// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A connection on which a test says and hears exactly what it wants to, byte by byte.
final class RawClient: Sendable {
    struct Failure: Error, CustomStringConvertible { let description: String }

    /// What came so far, and who waits for more. Filled on the event loop, taken by the test.
    final class Inbox: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        private struct State {
            var bytes: [UInt8] = []
            var isClosed = false
            var failure: String?
            var waiter: CheckedContinuation<Void, Never>?
        }

        private let state = Mutex(State())

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = unwrapInboundIn(data)
            wake { $0.bytes.append(contentsOf: buffer.readableBytesView) }
        }

        func channelInactive(context: ChannelHandlerContext) { wake { $0.isClosed = true } }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed? = event as? ChannelEvent { wake { $0.isClosed = true } }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            wake { $0.failure = "\(error)" }
            context.close(promise: nil)
        }

        /// What the connection failed of, if it did.
        var failure: String? { state.withLock { $0.failure } }

        private func wake(_ change: (inout State) -> Void = { _ in }) {
            let waiter = state.withLock { state in
                change(&state)
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume()
        }

        /// Takes from the front what `take` finds; nil from it means that more is needed.
        func take(_ take: ([UInt8], _ isClosed: Bool) -> Int?) async -> [UInt8]? {
            while !Task.isCancelled {
                let (taken, isClosed) = state.withLock { state in
                    let count = take(state.bytes, state.isClosed)
                    let taken = count.map { Array(state.bytes.prefix($0)) }
                    if let count { state.bytes.removeFirst(count) }
                    return (taken, state.isClosed)
                }
                if let taken { return taken }
                if isClosed { return nil }
                await withTaskCancellationHandler {
                    await withCheckedContinuation { continuation in
                        let isReady = state.withLock { state in
                            // Something may have come between the look and now.
                            if take(state.bytes, state.isClosed) != nil || state.isClosed || Task.isCancelled {
                                return true
                            }
                            state.waiter = continuation
                            return false
                        }
                        if isReady { continuation.resume() }
                    }
                } onCancel: {
                    wake()
                }
            }
            return nil
        }
    }

    private let channel: any Channel
    private let inbox: Inbox

    init(channel: any Channel, inbox: Inbox) {
        self.channel = channel
        self.inbox = inbox
    }

    /// Over TLS, the handshake is done when it returns.
    ///
    /// - Parameters:
    ///   - halfCloses: whether it can still send once the other side has ended.
    ///   - serverName: what to ask for over TLS; `nil` speaks in the clear.
    static func connect(
        port: Int, receiveBuffer: Int? = nil, halfCloses: Bool = false, serverName: String? = nil,
        offering protocols: [String] = ["http/1.1"]
    ) async throws -> RawClient {
        let inbox = Inbox()
        let handshake = serverName.map { _ in MultiThreadedEventLoopGroup.singleton.next().makePromise(of: String?.self)
        }
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: halfCloses)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let serverName {
                        let tls = try TestTLS.client(serverName, offering: protocols)
                        try channel.pipeline.syncOperations.addHandler(tls)
                    }
                    if let handshake {
                        try channel.pipeline.syncOperations.addHandler(HandshakeWatch(handshake))
                    }
                    try channel.pipeline.syncOperations.addHandler(inbox)
                }
            }
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: SocketOptionValue(receiveBuffer))
        }
        let channel = try await bootstrap.connect(host: "127.0.0.1", port: port).get()
        _ = try await handshake?.futureResult.get()
        return RawClient(channel: channel, inbox: inbox)
    }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get() }

    /// Stops or resumes taking bytes from the socket.
    func setReading(_ reads: Bool) async throws { try await channel.setOption(.autoRead, value: reads).get() }

    func close() async { try? await channel.close().get() }

    /// Ends what is sent, and goes on listening.
    func closeOutput() async throws { try await channel.close(mode: .output).get() }

    /// Whether the connection ended with a reset.
    var wasReset: Bool { inbox.failure != nil }
    /// For who asks why.
    var failure: String { inbox.failure ?? "no failure" }

    /// Closes with a reset instead of an orderly end.
    func reset() async throws {
        guard let options = channel as? any SocketOptionProvider else { throw Failure(description: "not a socket") }
        try await options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        try await breakOff()
    }

    /// Closes the connection past TLS, which would say goodbye first.
    func breakOff() async throws {
        let channel = channel
        try await channel.eventLoop.submit {
            let pipeline = channel.pipeline.syncOperations
            let tls =
                (try? pipeline.context(handlerType: NIOSSLClientHandler.self))
                ?? (try? pipeline.context(handlerType: NIOSSLServerHandler.self))
            if let tls { tls.close(promise: nil) } else { channel.close(promise: nil) }
        }.get()
        try? await channel.closeFuture.get()
    }

    /// One whole answer; waits at most ten seconds.
    func response(toHead: Bool = false) async throws -> RawResponse {
        let bytes = try await take("an answer") { bytes, isClosed in
            RawResponse.length(of: bytes, toHead: toHead, isClosed: isClosed)
        }
        guard let response = RawResponse(bytes) else {
            throw Failure(description: "not an answer: \(String(decoding: bytes.prefix(200), as: UTF8.self))")
        }
        return response
    }

    /// A head, with the empty line at its end.
    func head() async throws -> String {
        let bytes = try await take("a head") { bytes, _ in bytes.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// So many bytes, no more and no less.
    func bytes(_ count: Int) async throws -> [UInt8] {
        try await take("\(count) bytes") { bytes, _ in bytes.count >= count ? count : nil }
    }

    func text(_ count: Int) async throws -> String { String(decoding: try await bytes(count), as: UTF8.self) }

    /// Everything up to the end of the connection.
    func untilClosed() async throws -> [UInt8] {
        try await take("the end") { bytes, isClosed in isClosed ? bytes.count : nil }
    }

    private func take(_ what: String, _ take: @escaping @Sendable ([UInt8], Bool) -> Int?) async throws -> [UInt8] {
        try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
            group.addTask { [inbox] in await inbox.take(take) }
            group.addTask {
                try? await Task.sleep(for: .seconds(10))
                return nil
            }
            defer { group.cancelAll() }
            guard let taken = try await group.next() ?? nil else {
                throw Failure(description: "\(what) did not come")
            }
            return taken
        }
    }
}
