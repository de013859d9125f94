// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import TurnpikeProxyCore

typealias NIOEngine = LoopEngine<NIOClient, UpstreamHandler>

/// A gateway on SwiftNIO. The first of its loops listens; all take turns in getting connections.
struct NIOTransport: RunningTransport {
    let engines: any TransportEngines
    private let group: MultiThreadedEventLoopGroup
    private let seats: [NIOSeat]
    private let listener: any Channel
    private let secureListener: (any Channel)?

    var port: Int? { listener.localAddress?.port }
    var securePort: Int? { secureListener?.localAddress?.port }

    static func start(_ parts: EngineParts) async throws -> NIOTransport {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: parts.options.loops)
        do {
            var seats: [NIOSeat] = []
            for eventLoop in group.makeIterator() { seats.append(try await seat(on: eventLoop, parts)) }
            let listener = try await listen(parts.options, seats, group)
            let secureListener = try await listenSecurely(parts.options, seats, group)
            return NIOTransport(
                engines: EngineGroup(engines: seats.map(\.engine)), group: group, seats: seats, listener: listener,
                secureListener: secureListener)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private static func seat(on eventLoop: any EventLoop, _ parts: EngineParts) async throws -> NIOSeat {
        let loop = NIOLoop(eventLoop: eventLoop, upstreams: parts.upstreamOptions)
        return NIOSeat(eventLoop: eventLoop, engine: try await parts.makeEngine(on: loop), connector: loop.connector)
    }

    private static func listen(
        _ options: GatewayOptions, _ seats: [NIOSeat], _ group: MultiThreadedEventLoopGroup
    ) async throws -> any Channel {
        try await listener(seats, group) { channel, seat in
            let greeting = GreetingHandler(engine: seat.engine.value, connector: seat.connector.value)
            try channel.pipeline.syncOperations.addHandler(greeting)
        }
        .bind(host: options.host, port: options.port).get()
    }

    private static func listenSecurely(
        _ options: GatewayOptions, _ seats: [NIOSeat], _ group: MultiThreadedEventLoopGroup
    ) async throws -> (any Channel)? {
        guard let secure = options.secure else { return nil }
        return try await listener(seats, group) { channel, seat in
            try SecureConnection.add(
                to: channel, engine: seat.engine.value, connector: seat.connector.value,
                certificates: secure.certificates)
        }
        .bind(host: secure.host, port: secure.port).get()
    }

    private static func listener(
        _ seats: [NIOSeat], _ group: MultiThreadedEventLoopGroup,
        _ initialise: @escaping @Sendable (any Channel, NIOSeat) throws -> Void
    ) -> ServerBootstrap {
        ServerBootstrap(group: seats[0].eventLoop, childGroup: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // One read at a time: what a connection brings in one turn of the loop is bounded by one buffer.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let seat = seats.first(where: { $0.eventLoop === channel.eventLoop }) else { return }
                    try initialise(channel, seat)
                }
            }
    }

    func stopListening() async {
        try? await listener.close()
        try? await secureListener?.close()
    }

    func shutDown() async {
        for seat in seats { try? await seat.engine.loop.submit { seat.connector.value.shutDown() } }
        try? await group.shutdownGracefully()
    }
}

/// One of the loops that listeners give connections to.
private struct NIOSeat: Sendable {
    let eventLoop: any EventLoop
    let engine: LoopBound<NIOEngine>
    let connector: NIOLoopBoundBox<UpstreamConnector>
}
