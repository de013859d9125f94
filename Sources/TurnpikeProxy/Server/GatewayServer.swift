// SPDX-License-Identifier: Apache-2.0

public import Logging
public import TurnpikeProxyCore
public import TurnpikeSnapshot
public import TurnpikeTelemetry

/// A gateway: one listener, one loop.
///
/// It listens from the moment it is started and answers 503 `not-ready` until it has a configuration. Safe from any thread.
public final class GatewayServer: Sendable {
    private let running: any RunningTransport
    /// What moves its bytes: never `automatic`.
    public let transport: Transport

    /// To which the recorder stays confined.
    public var loop: any GatewayLoop { running.loop }
    /// Where it listens.
    public var port: Int { running.port }
    /// Where it listens for TLS; `nil` where it was not told to.
    public var securePort: Int? { running.securePort }

    private init(_ running: any RunningTransport, transport: Transport) {
        self.running = running
        self.transport = transport
    }

    /// - Parameters:
    ///   - recorder: makes the recorder of a loop, on that loop, to which it stays confined.
    ///   - resolver: finds the addresses of endpoints' names.
    ///   - digest: the digest of a credential; nil where it cannot be an API key.
    ///   - debugCheck: whether bytes are the debug token; nil where there is none.
    /// - Throws: ``TransportUnavailable``, or what binding or making the recorder throws; nothing is left behind then.
    public static func start(
        options: GatewayOptions, recorder: @escaping @Sendable (any GatewayLoop) throws -> any UsageRecorder,
        leases: any LeaseSource, resolver: any NameResolver = SystemResolver(),
        digest: @escaping Gateway.KeyDigester, debugCheck: Gateway.DebugCheck? = nil, logger: Logger,
        metrics: MetricsRegistry
    ) async throws -> GatewayServer {
        let parts = EngineParts(
            options: options, recorder: recorder, leases: leases, resolver: resolver, digest: digest,
            debugCheck: debugCheck, logger: logger, metrics: metrics
        )
        let transport = options.transport.resolved(speaksTLS: options.secure != nil)
        return GatewayServer(try await start(transport, parts), transport: transport)
    }

    private static func start(_ transport: Transport, _ parts: EngineParts) async throws -> any RunningTransport {
        #if os(Linux)
        if case .epoll = transport {
            guard parts.options.secure == nil else { throw TransportUnavailable(transport: transport, speaksTLS: true) }
            return try await EpollTransport.start(parts)
        }
        #endif
        guard case .nio = transport else { throw TransportUnavailable(transport: transport) }
        return try await NIOTransport.start(parts)
    }

    /// Serves by this configuration from the next request on; requests in flight keep theirs.
    public func apply(_ configuration: GatewayConfiguration) async { await running.apply(configuration) }

    /// How much of rate limits is left. Nothing is known of any once the loop was shut down.
    public func answer(_ probe: Probe) async -> ProbeAnswer { await running.answer(probe) }

    /// Stops listening, answers what is in flight with `Connection: close`, cuts off what is left after `timeout`, and gives
    /// the leases back through the recorder, which can still be used on ``loop``. May be called once.
    public func drain(timeout: Duration) async {
        await running.stopListening()
        await running.drain(timeout: timeout)
    }

    /// Stops the loop. The last call.
    public func shutDown() async { await running.shutDown() }
}

/// What an engine is made of, but for its loop.
struct EngineParts: Sendable {
    let options: GatewayOptions
    let recorder: @Sendable (any GatewayLoop) throws -> any UsageRecorder
    let leases: any LeaseSource
    let resolver: any NameResolver
    let digest: Gateway.KeyDigester
    let debugCheck: Gateway.DebugCheck?
    let logger: Logger
    let metrics: MetricsRegistry

    /// - Throws: what making the recorder throws.
    func makeEngine<C, U>(on loop: some EngineLoop) async throws -> LoopBound<LoopEngine<C, U>> {
        try await loop.submit {
            let watch = GatewayWatch(
                log: AccessLog(options.accessLog, loop: loop), metrics: GatewayMetrics(metrics), logger: logger)
            let gateway = Gateway(
                limits: options.limits, pool: options.pool, recorder: try recorder(loop), observer: watch,
                seed: .random(in: .min ... .max), digest: digest, debugCheck: debugCheck
            )
            let engine = LoopEngine<C, U>(
                loop: loop, options: options, gateway: gateway, watch: watch, leases: leases, resolver: resolver,
                logger: logger
            )
            return LoopBound(engine, on: loop)
        }
    }
}
