// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import TurnpikeProxyCore
import TurnpikeSnapshot

typealias NIOEngine = LoopEngine<NIOClient, UpstreamHandler>

/// A gateway on SwiftNIO.
struct NIOTransport: RunningTransport {
    private let group: MultiThreadedEventLoopGroup
    private let engine: LoopBound<NIOEngine>
    private let connector: NIOLoopBoundBox<UpstreamConnector>
    private let listener: any Channel
    private let secureListener: (any Channel)?

    var loop: any GatewayLoop { engine.loop }
    var port: Int { listener.localAddress?.port ?? 0 }
    var securePort: Int? { secureListener?.localAddress?.port }

    static func start(_ parts: EngineParts) async throws -> NIOTransport {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let eventLoop = group.next()
        do {
            let loop = NIOLoop(eventLoop: eventLoop, limits: parts.options.limits.head)
            let connector = loop.connector
            let engine: LoopBound<NIOEngine> = try await parts.makeEngine(on: loop)
            let listener = try await listen(parts.options, engine, connector, on: eventLoop)
            let secureListener = try await listenSecurely(parts.options, engine, connector, on: eventLoop)
            return NIOTransport(
                group: group, engine: engine, connector: connector, listener: listener, secureListener: secureListener)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private static func listen(
        _ options: GatewayOptions, _ engine: LoopBound<NIOEngine>, _ connector: NIOLoopBoundBox<UpstreamConnector>,
        on eventLoop: any EventLoop
    ) async throws -> any Channel {
        try await listener(on: eventLoop) { channel in
            try channel.pipeline.syncOperations.addHandler(
                ClientHandler(engine: engine.value, connector: connector.value, scheme: .http))
        }
        .bind(host: options.host, port: options.port).get()
    }

    private static func listenSecurely(
        _ options: GatewayOptions, _ engine: LoopBound<NIOEngine>, _ connector: NIOLoopBoundBox<UpstreamConnector>,
        on eventLoop: any EventLoop
    ) async throws -> (any Channel)? {
        guard let secure = options.secure else { return nil }
        return try await listener(on: eventLoop) { channel in
            try SecureConnection.add(
                to: channel, engine: engine.value, connector: connector.value, certificates: secure.certificates)
        }
        .bind(host: secure.host, port: secure.port).get()
    }

    private static func listener(
        on eventLoop: any EventLoop, _ initialise: @escaping @Sendable (any Channel) throws -> Void
    ) -> ServerBootstrap {
        ServerBootstrap(group: eventLoop)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // One read at a time: what a connection brings in one turn of the loop is bounded by one buffer.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try initialise(channel) }
            }
    }

    func apply(_ configuration: GatewayConfiguration) async { await engine.apply(configuration) }

    func answer(_ probe: Probe) async -> ProbeAnswer { await engine.answer(probe) }

    func stopListening() async {
        try? await listener.close()
        try? await secureListener?.close()
    }

    func drain(timeout: Duration) async { await engine.drain(timeout: timeout) }

    func shutDown() async {
        try? await engine.loop.submit { connector.value.shutDown() }
        try? await group.shutdownGracefully()
    }
}
