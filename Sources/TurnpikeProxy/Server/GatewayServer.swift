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
    private let running: [any RunningTransport]
    private let log: DescriptorWriter?
    /// What moves the bytes of clients that speak HTTP/1.1: never `automatic`.
    public let transport: Transport

    /// To each of which its ledger stays confined.
    public var loops: [any GatewayLoop] { running.flatMap { $0.engines.loops } }
    /// Where it listens in the clear.
    public var port: Int { running.lazy.compactMap(\.port).first ?? 0 }
    /// Where it listens for TLS; `nil` where it was not told to.
    public var securePort: Int? { running.lazy.compactMap(\.securePort).first }

    private init(_ running: [any RunningTransport], log: DescriptorWriter?, transport: Transport) {
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

    /// HTTP/2 is SwiftNIO's, whatever serves other clients: it takes connections over TLS on which a client offers it.
    private static func start(_ transport: Transport, _ parts: EngineParts) async throws -> [any RunningTransport] {
        #if os(Linux)
        if case .epoll = transport {
            guard let secure = parts.options.secure else { return [try await EpollTransport.start(parts)] }
            let nio = try await NIOTransport.start(parts, listens: false)
            do {
                let security = EpollSecurity(certificates: secure.certificates) { descriptor, read in
                    nio.adopt(descriptor.number, read, certificates: secure.certificates)
                }
                return [try await EpollTransport.start(parts, security), nio]
            } catch {
                await nio.shutDown()
                throw error
            }
        }
        #endif
        guard case .nio = transport else { throw TransportUnavailable(transport: transport) }
        return [try await NIOTransport.start(parts)]
    }

    /// From then on loops can borrow units of quotas of each other.
    private func introduceLoops() async {
        guard loops.count > 1 else { return }
        var lenders: [LeaseLender] = []
        for transport in running { lenders += await transport.engines.lenders() }
        for transport in running { await transport.engines.introduce(lenders) }
    }

    /// Serves by this configuration from the next request on, on all loops; requests in flight keep theirs. Configurations
    /// come one after the other.
    public func apply(_ configuration: GatewayConfiguration) async {
        for transport in running { await transport.engines.apply(configuration) }
    }

    /// How much of rate limits is left. Nothing is known of any once the loops were shut down.
    public func answer(_ probe: Probe) async -> ProbeAnswer {
        await running.first?.engines.answer(probe) ?? ProbeAnswer(states: [])
    }

    /// Stops listening, answers what is in flight with `Connection: close`, cuts off what is left after `timeout`, and gives
    /// the leases back through the recorders, which can still be used on ``loops``. May be called once.
    public func drain(timeout: Duration) async {
        for transport in running { await transport.stopListening() }
        await withDiscardingTaskGroup { group in
            for transport in running { group.addTask { await transport.engines.drain(timeout: timeout) } }
        }
    }

    /// Stops the loops. The last call.
    public func shutDown() async {
        for transport in running { await transport.shutDown() }
        log?.close()
    }
}
