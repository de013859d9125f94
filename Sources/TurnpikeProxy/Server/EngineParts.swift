// SPDX-License-Identifier: Apache-2.0

import Logging
import TurnpikeProxyCore
import TurnpikeTelemetry

/// What a gateway's engines are made of, and what they share.
struct EngineParts: Sendable {
    let options: GatewayOptions
    let ledger: @Sendable (any GatewayLoop) throws -> LoopLedger
    let resolver: any NameResolver
    let digest: Gateway.KeyDigester
    let debugCheck: Gateway.DebugCheck?
    let logger: Logger
    let metrics: MetricsRegistry
    let rateLimiter = RateLimiter()
    let clients: ClientCount
    let log: DescriptorWriter?

    init(
        options: GatewayOptions, ledger: @escaping @Sendable (any GatewayLoop) throws -> LoopLedger,
        resolver: any NameResolver, digest: @escaping Gateway.KeyDigester, debugCheck: Gateway.DebugCheck?,
        logger: Logger, metrics: MetricsRegistry
    ) {
        self.options = options
        self.ledger = ledger
        self.resolver = resolver
        self.digest = digest
        self.debugCheck = debugCheck
        self.logger = logger
        self.metrics = metrics
        clients = ClientCount(limit: options.connections)
        log = DescriptorWriter(options.accessLog)
    }

    /// By which all loops reach upstreams.
    var upstreamOptions: UpstreamOptions {
        UpstreamOptions(
            limits: options.limits.head, silence: options.pool.silence, certificates: options.clientCertificates)
    }

    /// - Throws: what making the ledger throws.
    func makeEngine<C, U>(on loop: some EngineLoop) async throws -> LoopBound<LoopEngine<C, U>> {
        try await loop.submit {
            let ledger = try ledger(loop)
            let watch = GatewayWatch(
                log: log.map { AccessLog($0, in: options.accessLogFormat, loop: loop) },
                traces: options.tracing.map { LoopTraces($0.buffer, loop: loop) }, metrics: GatewayMetrics(metrics),
                logger: logger)
            let gateway = Gateway(
                limits: options.limits, pool: options.pool, recorder: ledger.recorder, observer: watch,
                rateLimiter: rateLimiter, seed: .random(in: .min ... .max), digest: digest, debugCheck: debugCheck,
                sampling: options.tracing?.sampling, zone: options.zone,
                trustedProxies: options.trustedProxies
            )
            let engine = LoopEngine<C, U>(
                loop: loop, gateway: gateway, watch: watch, leases: ledger.leases, clients: clients,
                resolver: resolver, logger: logger
            )
            return LoopBound(engine, on: loop)
        }
    }
}
