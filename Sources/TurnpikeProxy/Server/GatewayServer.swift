// SPDX-License-Identifier: Apache-2.0

public import Logging
public import NIOCore
import NIOPosix
public import TurnpikeProxyCore
public import TurnpikeSnapshot
public import TurnpikeTelemetry

/// A gateway on SwiftNIO: one listener, one event loop.
///
/// It listens from the moment it is started and answers 503 `not-ready` until it has a configuration. Safe from any thread.
public final class GatewayServer: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let listener: any Channel
    private let engine: NIOLoopBound<LoopEngine>
    private let upkeep: RepeatedTask
    public let eventLoop: any EventLoop
    /// Where it listens.
    public let port: Int

    private init(
        group: MultiThreadedEventLoopGroup, listener: any Channel, engine: NIOLoopBound<LoopEngine>,
        upkeep: RepeatedTask,
        eventLoop: any EventLoop
    ) {
        self.group = group
        self.listener = listener
        self.engine = engine
        self.upkeep = upkeep
        self.eventLoop = eventLoop
        port = listener.localAddress?.port ?? 0
    }

    /// - Parameters:
    ///   - recorder: makes the recorder of a loop, on that loop, to which it stays confined.
    ///   - digest: the digest of a credential; nil where it cannot be an API key.
    /// - Throws: what binding or making the recorder throws; nothing is left behind then.
    public static func start(
        options: GatewayOptions, recorder: @escaping @Sendable (any EventLoop) throws -> any UsageRecorder,
        leases: any LeaseSource, digest: @escaping Gateway.KeyDigester, logger: Logger, metrics: MetricsRegistry
    ) async throws -> GatewayServer {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        do {
            let engine = try await loop.submit {
                let watch = GatewayWatch(
                    log: AccessLog(options.accessLog, loop: loop), metrics: GatewayMetrics(metrics)
                )
                let gateway = Gateway(
                    limits: options.limits, pool: options.pool, recorder: try recorder(loop), observer: watch,
                    seed: .random(in: .min ... .max), digest: digest
                )
                return NIOLoopBound(
                    LoopEngine(
                        loop: loop, options: options, gateway: gateway, watch: watch, leases: leases, logger: logger
                    ),
                    eventLoop: loop
                )
            }.get()
            let listener = try await listen(options, engine, on: loop)
            let upkeep = loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
                engine.value.upkeep()
            }
            return GatewayServer(group: group, listener: listener, engine: engine, upkeep: upkeep, eventLoop: loop)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private static func listen(
        _ options: GatewayOptions, _ engine: NIOLoopBound<LoopEngine>, on loop: any EventLoop
    ) async throws -> any Channel {
        try await ServerBootstrap(group: loop)
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

    /// Serves by this configuration from the next request on; requests in flight keep theirs.
    public func apply(_ configuration: GatewayConfiguration) async {
        await onLoop { $0.apply(configuration) }
    }

    /// How much of rate limits is left. Nothing is known of any once the loop was shut down.
    public func answer(_ probe: Probe) async -> ProbeAnswer {
        let engine = engine
        return (try? await eventLoop.submit { engine.value.answer(probe) }.get()) ?? ProbeAnswer(states: [])
    }

    /// Stops listening, answers what is in flight with `Connection: close`, cuts off what is left after `timeout`, and gives
    /// the leases back through the recorder, which can still be used on ``eventLoop``. May be called once.
    public func drain(timeout: Duration) async {
        try? await listener.close()
        let engine = engine
        let drained = eventLoop.flatSubmit { () -> EventLoopFuture<Void> in
            let loop = engine.value.loop
            let over = loop.makePromise(of: Void.self)
            engine.value.drain().whenSuccess { over.succeed() }
            loop.scheduleTask(in: TimeAmount(timeout)) { over.succeed() }
            return over.futureResult
        }
        try? await drained.get()
        upkeep.cancel()
        try? await eventLoop.flatSubmit { engine.value.finish() }.get()
    }

    /// Stops the event loop. The last call.
    public func shutDown() async { try? await group.shutdownGracefully() }

    private func onLoop(_ body: @escaping @Sendable (LoopEngine) -> Void) async {
        let engine = engine
        // Fails only where the loop was shut down, and then there is nothing left to do it to.
        try? await eventLoop.submit { body(engine.value) }.get()
    }
}
