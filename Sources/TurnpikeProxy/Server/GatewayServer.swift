// SPDX-License-Identifier: Apache-2.0

public import Logging
public import TurnpikeProxyCore
public import TurnpikeSnapshot
public import TurnpikeTelemetry

/// A gateway: a listener, perhaps another one for TLS, and one event loop or several that share the connections of each.
///
/// Loops share nothing that a request would have to wait for: each has its own upstream connections, leases, ledger and
/// counters. What is counted over all of them is rate limits, by atomic words, and how many connections there are. A new
/// connection is given to one of them, and stays there.
///
/// It listens from the moment it is started and answers 503 `not-ready` until it has a configuration. Safe from any thread.
public final class GatewayServer: Sendable {
    private let running: any RunningTransport
    private let log: DescriptorWriter?
    /// What moves the bytes of clients: never `automatic`.
    public let transport: Transport

    /// To each of which its ledger stays confined.
    public var loops: [any GatewayLoop] { running.engines.loops }
    /// Where it listens in the clear.
    public var port: Int { running.port ?? 0 }
    /// Where it listens for TLS; `nil` where it was not told to.
    public var securePort: Int? { running.securePort }

    private init(_ running: any RunningTransport, log: DescriptorWriter?, transport: Transport) {
        self.running = running
        self.log = log
        self.transport = transport
    }

    /// - Parameters:
    ///   - ledger: makes what a loop accounts by, on that loop. Called once for each loop, one after the other.
    ///   - resolver: finds the addresses of endpoints' names.
    ///   - digest: the digest of a credential; nil where it cannot be an API key.
    ///   - debugCheck: whether bytes are the debug token; nil where there is none.
    /// - Throws: ``TransportUnavailable``, or what binding or making a ledger throws; nothing is left behind then.
    public static func start(
        options: GatewayOptions, ledger: @escaping @Sendable (any GatewayLoop) throws -> LoopLedger,
        resolver: any NameResolver = SystemResolver(), digest: @escaping Gateway.KeyDigester,
        debugCheck: Gateway.DebugCheck? = nil, logger: Logger, metrics: MetricsRegistry
    ) async throws -> GatewayServer {
        let parts = EngineParts(
            options: options, ledger: ledger, resolver: resolver, digest: digest, debugCheck: debugCheck,
            logger: logger, metrics: metrics
        )
        let transport = options.transport.resolved
        do {
            let server = GatewayServer(try await start(transport, parts), log: parts.log, transport: transport)
            await server.introduceLoops()
            return server
        } catch {
            parts.log?.close()
            throw error
        }
    }

    private static func start(_ transport: Transport, _ parts: EngineParts) async throws -> any RunningTransport {
        #if os(Linux)
        if case .epoll = transport { return try await EpollTransport.start(parts) }
        #endif
        guard case .nio = transport else { throw TransportUnavailable(transport: transport) }
        return try await NIOTransport.start(parts)
    }

    /// From then on loops can borrow units of quotas of each other.
    private func introduceLoops() async {
        guard loops.count > 1 else { return }
        await running.engines.introduce(await running.engines.lenders())
    }

    /// Serves by this configuration from the next request on, on all loops; requests in flight keep theirs. Configurations
    /// come one after the other.
    public func apply(_ configuration: GatewayConfiguration) async {
        await running.engines.apply(configuration)
    }

    /// How much of rate limits is left. Nothing is known of any once the loops were shut down.
    public func answer(_ probe: Probe) async -> ProbeAnswer {
        await running.engines.answer(probe)
    }

    /// Stops listening, answers what is in flight with `Connection: close`, cuts off what is left after `timeout`, and gives
    /// the leases back through the recorders, which can still be used on ``loops``. May be called once.
    public func drain(timeout: Duration) async {
        await running.stopListening()
        await running.engines.drain(timeout: timeout)
    }

    /// Stops the loops. The last call.
    public func shutDown() async {
        await running.shutDown()
        log?.close()
    }
}
