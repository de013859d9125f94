// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import TurnpikeProxyCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// An upstream that does what its script says, and remembers what it was asked.
final class Origin: Sendable {
    struct Request: Sendable {
        let method: String
        let target: String
        let head: String
        let contentBytes: UInt64
        /// Of the connection: 1 for its first request.
        let number: Int
    }

    enum Reply: Sendable {
        /// Exactly these bytes.
        case raw(String)
        case rawThenClose(String)
        /// These bytes, and then a reset instead of an orderly end.
        case rawThenReset(String)
        /// Close without a word.
        case close
        case silence
        /// So many bytes of content, written as fast as they are taken.
        case content(Int)
        /// The same in chunks.
        case chunks(Int)

        static func ok(_ text: String) -> Reply {
            .raw("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
        }
    }

    private struct State {
        var requests: [Request] = []
        var connections = 0
        var open: [any Channel] = []
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
        var connectionWaiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())
    /// Bytes of content that the network has taken.
    let written = Atomic<Int>(0)
    private let script: @Sendable (Request) -> Reply
    /// Said as soon as a head is there; the connection is closed then, whatever is still to come.
    private let earlyAnswer: String?
    private let listener: Mutex<(any Channel)?> = Mutex(nil)

    init(earlyAnswer: String?, _ script: @escaping @Sendable (Request) -> Reply) {
        self.earlyAnswer = earlyAnswer
        self.script = script
    }

    static func start(
        host: String = "127.0.0.1", port: Int = 0, tls: NIOSSLContext? = nil,
        answeringHeads earlyAnswer: String? = nil,
        _ script: @escaping @Sendable (Request) -> Reply = { .ok($0.target) }
    ) async throws -> Origin {
        let origin = Origin(earlyAnswer: earlyAnswer, script)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.addHandler(Handler(origin: origin))
                }
            }
            .bind(host: host, port: port).get()
        origin.listener.withLock { $0 = channel }
        return origin
    }

    var port: Int { listener.withLock { $0?.localAddress?.port ?? 0 } }
    var requests: [Request] { state.withLock { $0.requests } }
    var connections: Int { state.withLock { $0.connections } }
    var openConnections: Int { state.withLock { $0.open.count(where: \.isActive) } }

    func stop() async {
        let channels = state.withLock { $0.open }
        let listener = listener.withLock { $0 }
        try? await listener?.close().get()
        for channel in channels { try? await channel.close().get() }
    }

    /// Closes all connections, and goes on listening.
    func closeConnections() async {
        for channel in state.withLock({ $0.open }) { try? await channel.close().get() }
    }

    /// Returns once the network takes no more content, and how much it has taken.
    func stalled() async throws -> Int {
        var last = -1
        while written.load(ordering: .relaxed) != last {
            last = written.load(ordering: .relaxed)
            try await Task.sleep(for: .milliseconds(300))
        }
        return last
    }

    /// Returns once so many requests have arrived.
    func requestsArrived(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.requests.count >= count { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// Returns once so many connections have been opened.
    func connectionsOpened(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.connections >= count { return true }
                state.connectionWaiters.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// Returns once the gateway has closed the connection that came first.
    func firstConnectionClosed() async throws { try await state.withLock { $0.open.first }?.closeFuture.get() }

    private func opened(_ channel: any Channel) {
        let woken = state.withLock { state in
            state.connections += 1
            state.open.append(channel)
            let count = state.connections
            let woken = state.connectionWaiters.filter { $0.count <= count }
            state.connectionWaiters.removeAll { $0.count <= count }
            return woken
        }
        for waiter in woken { waiter.continuation.resume() }
    }

    private func take(_ request: Request) -> Reply {
        let woken = state.withLock { state in
            state.requests.append(request)
            let count = state.requests.count
            let woken = state.waiters.filter { $0.count <= count }
            state.waiters.removeAll { $0.count <= count }
            return woken
        }
        for waiter in woken { waiter.continuation.resume() }
        return script(request)
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let origin: Origin
        private var parser = RequestParser()
        private var head = RequestHead()
        private var body: BodyReader?
        private var held = ByteBuffer()
        private var text = ""
        private var number = 0

        init(origin: Origin) { self.origin = origin }

        func channelActive(context: ChannelHandlerContext) { origin.opened(context.channel) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var buffer = unwrapInboundIn(data)
            held.writeBuffer(&buffer)
            while step(context) {}
            held.discardReadBytes()
        }

        private func step(_ context: ChannelHandlerContext) -> Bool {
            if body == nil {
                guard readHead(context) else { return false }
            }
            guard let progress = held.withUnsafeReadableBytes({ try? body?.advance($0) }) else {
                context.close(promise: nil)
                return false
            }
            held.moveReaderIndex(forwardBy: progress.consumed)
            guard progress.isComplete, let content = body?.payloadBytes else { return false }
            body = nil
            number += 1
            let line = text.split(separator: " ")
            let reply = origin.take(
                Request(
                    method: String(line[0]), target: String(line[1]), head: text, contentBytes: content, number: number
                ))
            answer(reply, context)
            return held.readableBytes > 0
        }

        private func readHead(_ context: ChannelHandlerContext) -> Bool {
            guard held.readableBytes > 0 else { return false }
            switch held.withUnsafeReadableBytes({ parser.parse($0, into: &head) }) {
            case .incomplete: return false
            case .fault:
                context.close(promise: nil)
                return false
            case .complete(let length):
                text = held.readString(length: length) ?? ""
                body = BodyReader(head.framing)
                if let answer = origin.earlyAnswer {
                    self.answer(.rawThenClose(answer), context)
                    return false
                }
                return true
            }
        }

        private func answer(_ reply: Reply, _ context: ChannelHandlerContext) {
            switch reply {
            case .raw(let text): context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            case .rawThenClose(let text):
                let channel = context.channel
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text))).whenComplete { _ in
                    channel.close(promise: nil)
                }
            case .rawThenReset(let text):
                let channel = context.channel
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text))).assumeIsolated().whenComplete { _ in
                    _ = (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
                    channel.close(promise: nil)
                }
            case .close: context.close(promise: nil)
            case .silence: break
            case .content(let count):
                let head = "HTTP/1.1 200 OK\r\nContent-Length: \(count)\r\n\r\n"
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: head)), promise: nil)
                write(count, chunked: false, context.channel)
            case .chunks(let count):
                let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: head)), promise: nil)
                write(count, chunked: true, context.channel)
            }
        }

        private func write(_ remaining: Int, chunked: Bool, _ channel: any Channel) {
            guard remaining > 0 else {
                if chunked { channel.writeAndFlush(ByteBuffer(string: "0\r\n\r\n"), promise: nil) }
                return
            }
            let size = min(remaining, 64 << 10)
            var piece = ByteBuffer()
            if chunked { piece.writeString(String(size, radix: 16) + "\r\n") }
            piece.writeRepeatingByte(UInt8(ascii: "x"), count: size)
            if chunked { piece.writeString("\r\n") }
            let origin = origin
            channel.writeAndFlush(piece).assumeIsolated().whenSuccess {
                origin.written.wrappingAdd(size, ordering: .relaxed)
                self.write(remaining - size, chunked: chunked, channel)
            }
        }
    }
}
