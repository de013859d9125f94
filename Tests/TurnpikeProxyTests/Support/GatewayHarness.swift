// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import Synchronization
import TurnpikeMetering
import TurnpikeModel
import TurnpikeProxy
import TurnpikeProxyCore
import TurnpikeSnapshot
import TurnpikeTelemetry

/// A gateway on a port of its own, with usage kept in memory.
struct GatewayHarness: Sendable {
    let server: GatewayServer
    /// Of all loops.
    let usage: UsageInMemory
    /// Of each loop by itself.
    let usageByLoop: [UsageInMemory]
    let metrics: MetricsRegistry
    let logger: Logger
    /// Clients come over TLS.
    let isSecure: Bool

    /// Starts a gateway whose clients come in as is said, hands it to `body`, and stops it.
    static func run<Result: Sendable>(
        through entrance: Entrance, _ resources: [CompiledResource]?, limits: GatewayLimits = GatewayLimits(),
        pool: PoolLimits = PoolLimits(), connections: Int = 1000, loops: Int = 1,
        trustedProxies: TrustedProxies? = nil, _ body: (GatewayHarness) async throws -> Result
    ) async throws -> Result {
        let certificates = entrance.isSecure ? [try Entrance.certificate.get()] : []
        return try await run(
            on: entrance.transport, resources, limits: limits, pool: pool, connections: connections, loops: loops,
            certificates: certificates, isSecure: entrance.isSecure, trustedProxies: trustedProxies, body)
    }

    /// Starts a gateway, hands it to `body`, and stops it.
    ///
    /// - Parameter isSecure: ``connect(receiveBuffer:halfCloses:)`` does it over TLS.
    static func run<Result: Sendable>(
        on transport: Transport, _ resources: [CompiledResource]?, limits: GatewayLimits = GatewayLimits(),
        pool: PoolLimits = PoolLimits(), connections: Int = 1000, log: AccessLogDestination = .off,
        logFormat: AccessLogFormat = AccessLogFormat(), loops: Int = 1,
        leases: any LeaseSource = NoLeases(), certificates: [ServerCertificate] = [], secure: ServerCertificates? = nil,
        isSecure: Bool = false, clientCertificates: ClientCertificates = ClientCertificates(),
        resolver: any NameResolver = SystemResolver(), tracing: GatewayTracing? = nil,
        trustedProxies: TrustedProxies? = nil,
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        _ body: (GatewayHarness) async throws -> Result
    ) async throws -> Result {
        let secure = try secure ?? (certificates.isEmpty ? nil : ServerCertificates(certificates))
        let usage = UsageInMemory()
        let parts = Mutex<[UsageInMemory]>([])
        let metrics = MetricsRegistry()
        let server = try await GatewayServer.start(
            options: GatewayOptions(
                port: 0, limits: limits, pool: pool, connections: connections, accessLog: log,
                accessLogFormat: logFormat,
                transport: transport, loops: loops,
                secure: secure.map { SecureListener(host: "127.0.0.1", port: 0, certificates: $0) },
                clientCertificates: clientCertificates, tracing: tracing, trustedProxies: trustedProxies
            ),
            ledger: { _ in
                let part = UsageInMemory(partOf: usage)
                let loop = parts.withLock { parts in
                    parts.append(part)
                    return parts.count
                }
                guard let bank = leases as? LeaseBank else { return LoopLedger(recorder: part, leases: leases) }
                return LoopLedger(recorder: part, leases: bank.account(of: loop))
            },
            resolver: resolver, digest: { Pieces.digest($0) }, logger: logger, metrics: metrics
        )
        if let resources { await server.apply(try GatewayConfiguration(Pieces.snapshot(resources))) }
        let harness = GatewayHarness(
            server: server, usage: usage, usageByLoop: parts.withLock { $0 }, metrics: metrics, logger: logger,
            isSecure: isSecure)
        do {
            let result = try await body(harness)
            await harness.stop()
            return result
        } catch {
            await harness.stop()
            throw error
        }
    }

    private func stop() async {
        await server.drain(timeout: .zero)
        await server.shutDown()
    }

    /// The port for TLS.
    var securePort: Int { server.securePort ?? 0 }

    func connect(receiveBuffer: Int? = nil, halfCloses: Bool = false) async throws -> RawClient {
        try await RawClient.connect(
            port: isSecure ? securePort : server.port, receiveBuffer: receiveBuffer, halfCloses: halfCloses,
            serverName: isSecure ? "api.acme.test" : nil)
    }

    /// One request on a connection of its own.
    func get(_ path: String = "/v1/orders", _ fields: String = "") async throws -> RawResponse {
        let client = try await connect()
        try await client.send(Self.get(path, fields))
        let response = try await client.response()
        await client.close()
        return response
    }

    static func get(_ path: String = "/v1/orders", _ fields: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: api.acme.test\r\n\(fields)\r\n"
    }
}

/// Counters behind a lock, so that the test can look while the gateway counts.
final class UsageInMemory: UsageRecorder, Sendable {
    private struct State {
        var total = UsageCounters()
        var consumed: Int64 = 0
        var released: Int64 = 0
    }

    private let state = Mutex(State())
    private let whole: UsageInMemory?

    /// - Parameter whole: what this adds up to, with others.
    init(partOf whole: UsageInMemory? = nil) { self.whole = whole }

    var canRecord: Bool { true }

    func record(_ key: SeriesKey, _ counters: UsageCounters) {
        state.withLock { $0.total += counters }
        whole?.record(key, counters)
    }

    func recordConsumption(_ key: LeaseKey, units: Int64) {
        state.withLock { $0.consumed += units }
        whole?.recordConsumption(key, units: units)
    }

    func recordRelease(_ key: LeaseKey, units: Int64) {
        state.withLock { $0.released += units }
        whole?.recordRelease(key, units: units)
    }

    var total: UsageCounters { state.withLock { $0.total } }
    var consumed: Int64 { state.withLock { $0.consumed } }
    var released: Int64 { state.withLock { $0.released } }
}

struct NoLeases: LeaseSource {
    struct Away: Error {}
    func lease(_ wants: [LeaseRequest.Want]) async throws -> [LeaseGrant] { throw Away() }
}

/// A control plane that deducts what it grants, and takes its time.
actor LeaseBank: LeaseSource {
    /// One loop's dealings with it: grants are running totals of an epoch.
    struct Account: LeaseSource {
        let bank: LeaseBank
        let holder: Int
        func lease(_ wants: [LeaseRequest.Want]) async throws -> [LeaseGrant] {
            try await bank.lease(wants, to: holder)
        }
    }

    private struct Holding: Hashable {
        let holder: Int
        let subject: ResourceID
    }

    private var account: QuotaAccount
    private var granted: [Holding: Int64] = [:]
    private(set) var asks = 0
    private let answers: Int

    /// - Parameter answers: after so many it is away.
    init(limit: Int64, answers: Int = .max) {
        account = QuotaAccount(limit: limit, committed: 0)
        self.answers = answers
    }

    nonisolated func account(of holder: Int) -> Account { Account(bank: self, holder: holder) }

    func lease(_ wants: [LeaseRequest.Want]) async throws -> [LeaseGrant] { try await lease(wants, to: 0) }

    private func lease(_ wants: [LeaseRequest.Want], to holder: Int) async throws -> [LeaseGrant] {
        asks += 1
        guard asks <= answers else { throw NoLeases.Away() }
        await Task.yield()
        return wants.map { want in
            let size = account.grant(demand: want.demand, held: want.held, workers: 1)
            account.committed += size
            let holding = Holding(holder: holder, subject: want.subject)
            granted[holding, default: 0] += size
            return LeaseGrant(
                key: LeaseKey(quota: want.quota, subject: want.subject, periodStart: Timestamp(seconds: 0)),
                periodEnd: Timestamp(seconds: 32_503_680_000), granted: granted[holding, default: 0],
                isExhausted: account.remaining == 0
            )
        }
    }
}

/// Pieces of a configuration.
enum Pieces {
    static let tenant = ResourceID(high: 1, low: 1)

    static func route(
        requiresKey: Bool = false, maxContentBytes: Int64? = nil,
        paths: [PathMatch] = [.prefix("/v1")], mirrors: [Mirror] = [],
        upgrades: Upgrades? = nil
    ) -> CompiledResource {
        .route(
            CompiledRoute(
                tenant: "acme", name: "orders", id: ResourceID(high: 2, low: 1), tenantID: tenant,
                hosts: ["api.acme.test"],
                paths: paths, methods: [], priority: 0, requiresKey: requiresKey,
                maxContentBytes: maxContentBytes, backends: [.init(cluster: "orders", weight: 1)],
                mirrors: mirrors, upgrades: upgrades
            ))
    }

    static func cluster(
        _ ports: Int..., name: String = "orders", host: String = "127.0.0.1", responseTimeout: Duration = .seconds(10),
        idleTimeout: Duration? = nil, streamIdleTimeout: Duration? = nil,
        protocol: Service.UpstreamProtocol = .http, tls: UpstreamTLS? = nil
    ) -> CompiledResource {
        .cluster(
            CompiledCluster(
                tenant: "acme", name: name,
                id: ResourceID(high: 3, low: name.utf8.reduce(1) { $0 &* 31 &+ UInt64($1) }),
                endpoints: ports.map { .init(host: host, port: $0, weight: 1) }, connectTimeout: .seconds(2),
                responseTimeout: responseTimeout, idleTimeout: idleTimeout,
                streamIdleTimeout: streamIdleTimeout, protocol: `protocol`, tls: tls
            ))
    }

    static func key(_ secret: String) -> CompiledResource {
        var secret = secret
        let digest = secret.withUTF8 { Pieces.digest(UnsafeRawBufferPointer($0)) }
        return .key(
            CompiledKey(
                tenant: "acme", name: "partner", id: ResourceID(high: 4, low: 1), tenantID: tenant, digest: digest,
                expiresAt: nil, routes: []
            ))
    }

    static func quota(limit: Int64) -> CompiledResource {
        .quota(
            CompiledQuota(
                tenant: "acme", name: "monthly", id: ResourceID(high: 5, low: 1), tenantID: tenant, per: .tenant,
                limit: limit, period: .month, enforcement: .hard
            ))
    }

    static func rateLimit(limit: Int64, interval: Duration) -> CompiledResource {
        .rateLimit(
            CompiledRateLimit(
                tenant: "acme", name: "burst", id: ResourceID(high: 6, low: 1), per: .address, limit: limit,
                interval: interval, burst: limit
            ))
    }

    static func snapshot(_ resources: [CompiledResource]) -> Snapshot {
        var snapshot = Snapshot(revision: 1)
        for resource in resources { snapshot.resources[resource.name] = resource }
        return snapshot
    }

    static func digest(_ bytes: UnsafeRawBufferPointer) -> KeyDigest {
        func word(_ seed: UInt64) -> UInt64 { bytes.reduce(seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } }
        return KeyDigest(words: (word(1), word(2), word(3), word(4)))
    }
}
