// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An upstream within the test process: answers every request 200 with its path, and counts. It can die.
final class Origin: Sendable {
    let port: Int
    private let channel: any Channel
    private let counter: Counter

    private final class Counter: Sendable {
        let requests = Atomic(0)
        let connections = Mutex<[ObjectIdentifier: any Channel]>([:])
    }

    private init(channel: any Channel, port: Int, counter: Counter) {
        self.channel = channel
        self.port = port
        self.counter = counter
    }

    /// Requests answered so far.
    var requests: Int { counter.requests.load(ordering: .sequentiallyConsistent) }

    /// - Parameters:
    ///   - port: 0 for a free one; else that of one that has died.
    ///   - pause: before each answer.
    static func start(port: Int = 0, pause: TimeAmount = .zero) async throws -> Origin {
        let counter = Counter()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                let id = ObjectIdentifier(channel)
                counter.connections.withLock { $0[id] = channel }
                channel.closeFuture.whenComplete { _ in counter.connections.withLock { $0[id] = nil } }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(counter: counter, pause: pause))
                }
            }
            .bind(host: "127.0.0.1", port: port).get()
        return Origin(channel: channel, port: channel.localAddress?.port ?? 0, counter: counter)
    }

    func stop() async throws { try await channel.close() }

    /// As a process does that is killed: further connections are refused, and those that are open are reset.
    func die() async throws {
        try await channel.close()
        for connection in counter.connections.withLock({ Array($0.values) }) { try? await connection.reset() }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let counter: Counter
        private let pause: TimeAmount
        private var path = ""

        init(counter: Counter, pause: TimeAmount) {
            self.counter = counter
            self.pause = pause
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): path = head.uri
            case .body: break
            case .end:
                guard pause > .zero else { return answer(context) }
                context.eventLoop.assumeIsolated().scheduleTask(in: pause) { self.answer(context) }
            }
        }

        private func answer(_ context: ChannelHandlerContext) {
            counter.requests.add(1, ordering: .sequentiallyConsistent)
            let body = ByteBuffer(string: path)
            let headers: HTTPHeaders = ["Content-Length": "\(body.readableBytes)", "Content-Type": "text/plain"]
            context.write(
                wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers))),
                promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
