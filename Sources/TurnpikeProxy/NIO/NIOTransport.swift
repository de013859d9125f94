// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import TurnpikeProxyCore
import TurnpikeSnapshot

typealias NIOEngine = LoopEngine<ClientHandler, UpstreamHandler>

/// A gateway on SwiftNIO.
struct NIOTransport: RunningTransport {
    private let group: MultiThreadedEventLoopGroup
    private let engine: LoopBound<NIOEngine>
    private let listener: any Channel

    var loop: any GatewayLoop { engine.loop }
    var port: Int { listener.localAddress?.port ?? 0 }

    static func start(_ parts: EngineParts) async throws -> NIOTransport {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let eventLoop = group.next()
        do {
            let engine: LoopBound<NIOEngine> = try await parts.makeEngine(on: NIOLoop(eventLoop: eventLoop))
            let listener = try await listen(parts.options, engine, on: eventLoop)
            return NIOTransport(group: group, engine: engine, listener: listener)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private static func listen(
        _ options: GatewayOptions, _ engine: LoopBound<NIOEngine>, on eventLoop: any EventLoop
    ) async throws -> any Channel {
        try await ServerBootstrap(group: eventLoop)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // One read at a time: what a connection brings in one turn of the loop is bounded by one buffer.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ClientHandler(engine: engine.value))
                }
            }
            .bind(host: options.host, port: options.port).get()
    }

    func apply(_ configuration: GatewayConfiguration) async { await engine.apply(configuration) }

    func answer(_ probe: Probe) async -> ProbeAnswer { await engine.answer(probe) }

    func stopListening() async { try? await listener.close() }

    func drain(timeout: Duration) async { await engine.drain(timeout: timeout) }

    func shutDown() async { try? await group.shutdownGracefully() }
}
