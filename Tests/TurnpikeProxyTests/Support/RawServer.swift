// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL
import TurnpikeProxy

/// A listener whose connections a test holds in its hands, byte by byte, as ``RawClient`` does the other side.
final class RawServer: Sendable {
    private let listener: any Channel
    private let accepted: AsyncStream<RawClient>

    private init(listener: any Channel, accepted: AsyncStream<RawClient>) {
        self.listener = listener
        self.accepted = accepted
    }

    /// - Parameters:
    ///   - receiveBuffer: bytes that the kernel takes for a connection that is not read.
    ///   - certificate: to speak TLS.
    static func start(
        receiveBuffer: Int? = nil, certificate: ServerCertificate? = nil
    ) async throws -> RawServer {
        let context = try certificate.map { try TestTLS.server($0) }
        let (accepted, continuation) = AsyncStream.makeStream(of: RawClient.self)
        var bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                let inbox = RawClient.Inbox()
                return channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    }
                    try channel.pipeline.syncOperations.addHandler(inbox)
                    continuation.yield(RawClient(channel: channel, inbox: inbox))
                }
            }
        if let receiveBuffer {
            bootstrap = bootstrap.childChannelOption(
                .socketOption(.so_rcvbuf), value: SocketOptionValue(receiveBuffer))
        }
        return RawServer(
            listener: try await bootstrap.bind(host: "127.0.0.1", port: 0).get(), accepted: accepted)
    }

    var port: Int { listener.localAddress?.port ?? 0 }

    /// The next connection, which closes only where the test does it, or its peer fails.
    func accept() async throws -> RawClient {
        var connections = accepted.makeAsyncIterator()
        guard let next = await connections.next() else { throw RawClient.Failure(description: "nobody has connected") }
        return next
    }

    func stop() async { try? await listener.close().get() }
}
