// SPDX-License-Identifier: Apache-2.0

import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// One client connection on a gateway without sockets: what it sends is gathered as text, what it does as actions.
final class ConnectionRig {
    let gateway: Gateway
    let recorder: RecordedUsage
    let observer = RecordedExchanges()
    var connection: ServerConnection
    private(set) var now: UInt64 = 1_000_000_000
    var wall = Timestamp(seconds: 1_800_000_000)

    /// All that the client got.
    private(set) var client = ""
    /// What each upstream connection got.
    private(set) var sent: [UpstreamID: String] = [:]
    /// Everything but sent bytes, in order.
    private(set) var actions: [ExchangeAction] = []
    private(set) var readsClient = true
    private(set) var readsUpstream = true
    /// What the gateway's configurations are made of.
    var state = GatewayState(hashSeed: 7)

    init(
        _ resources: [CompiledResource]?, limits: GatewayLimits = GatewayLimits(), pool: PoolLimits = PoolLimits(),
        recorder: RecordedUsage = RecordedUsage(), rateLimiter: RateLimiter = RateLimiter(),
        debugCheck: Gateway.DebugCheck? = nil, sampling: TraceSampling? = nil, trustedProxies: TrustedProxies? = nil,
        speaksHTTP2: Bool = false
    ) throws {
        self.recorder = recorder
        gateway = Gateway(
            limits: limits, pool: pool, recorder: recorder, observer: observer, rateLimiter: rateLimiter, seed: 7,
            digest: { $0.count >= 3 ? Sample.digest($0) : nil }, debugCheck: debugCheck,
            sampling: sampling, trustedProxies: trustedProxies
        )
        gateway.advance(now: now, wall: wall)
        if let resources { _ = gateway.apply(try state.apply(Sample.whole(resources))) }
        connection = ServerConnection(
            gateway: gateway, client: ClientAddress(text: "192.0.2.7", bytes: [192, 0, 2, 7]), speaksHTTP2: speaksHTTP2
        )
    }

    // MARK: - Events

    func receive(_ text: String) {
        event(Array(text.utf8)) { $0.receivedFromClient($1) }
    }

    func receive(from id: UpstreamID, _ text: String) {
        event(Array(text.utf8)) { $0.receivedFromUpstream(id, $1) }
    }

    func does(_ body: (ServerConnection) -> Void) {
        event([]) { connection, _ in body(connection) }
    }

    func advance(by nanoseconds: UInt64) {
        now += nanoseconds
        wall = Timestamp(milliseconds: wall.milliseconds + Int64(nanoseconds / 1_000_000))
        gateway.advance(now: now, wall: wall)
    }

    /// Lets the connection's deadline pass.
    func passDeadline() {
        advance(by: connection.deadline > now ? connection.deadline - now : 0)
        does { $0.timerFired() }
    }

    /// Grants what is asked for, as a control plane with `units` a lease would.
    func grant(_ units: Int64, exhausted: Bool = false) {
        let wants = gateway.takeLeaseWants()
        gateway.take(
            wants.map {
                LeaseGrant(
                    key: LeaseKey(quota: $0.quota, subject: $0.subject, periodStart: Timestamp(seconds: 1_790_000_000)),
                    periodEnd: Sample.end, granted: units, isExhausted: exhausted
                )
            }, for: wants
        )
        does { $0.leasesChanged() }
    }

    private func event(_ bytes: [UInt8], _ body: (ServerConnection, UnsafeRawBufferPointer) -> Void) {
        bytes.withUnsafeBytes { received in
            body(connection, received)
            connection.takeActions { carryOut($0, received) }
        }
    }

    private var attached: UpstreamID?

    private func carryOut(_ action: ExchangeAction, _ received: UnsafeRawBufferPointer) {
        switch action {
        case .sendToClient(let source): client += text(source, connection.clientStage, received)
        case .sendToUpstream(let source):
            guard let attached else { return }
            sent[attached, default: ""] += text(source, connection.upstreamStage, received)
        case .connect(let id, _), .attach(let id):
            attached = id
            actions.append(action)
        case .detach, .closeUpstream, .endUpstream:
            attached = nil
            actions.append(action)
        case .readFromClient(let reads): readsClient = reads
        case .readFromUpstream(let reads): readsUpstream = reads
        case .beginTunnel, .shutUpstreamOutput, .shutClientOutput, .closeClient, .abortClient: actions.append(action)
        }
    }

    private func text(
        _ source: ExchangeAction.Source, _ stage: UnsafeRawBufferPointer, _ received: UnsafeRawBufferPointer
    ) -> String {
        switch source {
        case .staged(let range): String(decoding: stage[range], as: UTF8.self)
        case .received(let range): String(decoding: received[range], as: UTF8.self)
        }
    }

    // MARK: - Looking

    /// The connection asked for last, if it was just asked for.
    var connecting: UpstreamID? {
        if case .connect(let id, _)? = actions.last { id } else { nil }
    }

    func endpoint(of id: UpstreamID) -> EndpointAddress? {
        for case .connect(id, let endpoint) in actions { return gateway.upstreams.address(of: endpoint) }
        return nil
    }

    /// Makes the connection that was asked for last.
    @discardableResult
    func connect() throws -> UpstreamID {
        guard let id = connecting else { throw Unexpected("no connection was asked for: \(actions), \(client)") }
        does { $0.upstreamConnected(id) }
        return id
    }

    /// Sends a request and connects its upstream.
    func exchange(_ request: String) throws -> UpstreamID {
        receive(request)
        return try connect()
    }

    var status: Int? { client.split(separator: " ").dropFirst().first.flatMap { Int($0) } }

    func takeClient() -> String {
        defer { client = "" }
        return client
    }

    struct Unexpected: Error {
        let what: String
        init(_ what: String) { self.what = what }
    }
}

final class RecordedUsage: UsageRecorder {
    var canRecord = true
    private(set) var series: [SeriesKey: UsageCounters] = [:]
    private(set) var consumed: [LeaseKey: Int64] = [:]
    private(set) var released: [LeaseKey: Int64] = [:]

    func record(_ key: SeriesKey, _ counters: UsageCounters) { series[key, default: UsageCounters()] += counters }
    func recordConsumption(_ key: LeaseKey, units: Int64) { consumed[key, default: 0] += units }
    func recordRelease(_ key: LeaseKey, units: Int64) { released[key, default: 0] += units }

    var total: UsageCounters { series.values.reduce(into: UsageCounters()) { $0 += $1 } }
}

final class RecordedExchanges: GatewayObserver {
    var wantsParties: Bool { true }
    private(set) var exchanges: [ExchangeRecord] = []
    private(set) var lines: [String] = []
    private(set) var traces: [RequestTrace] = []
    private(set) var failures: [UpstreamFailure] = []
    private(set) var waits: [LeaseWaitOutcome] = []
    private(set) var mirrored: [MirrorOutcome] = []
    /// Services whose endpoints were ejected.
    private(set) var ejections: [String] = []
    private(set) var healthChanges: [HealthChange] = []
    /// The last count, by service.
    private(set) var counts: [String: HealthCount] = [:]
    private(set) var lookups: [Bool] = []

    func answered(
        _ exchange: ExchangeRecord, method: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer,
        host: UnsafeRawBufferPointer
    ) {
        exchanges.append(exchange)
        lines.append("\(String(decoding: method, as: UTF8.self)) \(String(decoding: path, as: UTF8.self))")
    }

    func traced(
        _ trace: RequestTrace, of exchange: ExchangeRecord, method: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer
    ) {
        traces.append(trace)
    }

    func upstreamFailed(_ failure: UpstreamFailure, route: GatewayRoute, service: String) { failures.append(failure) }
    func endpointEjected(route: GatewayRoute, service: String) { ejections.append(service) }
    func mirrored(_ outcome: MirrorOutcome, route: GatewayRoute, service: String) { mirrored.append(outcome) }
    func healthChanged(_ change: HealthChange) { healthChanges.append(change) }
    func endpointsCounted(_ count: HealthCount) { counts[count.name] = count }
    func lookedUp(isAnswered: Bool) { lookups.append(isAnswered) }
    func leaseWaitEnded(_ outcome: LeaseWaitOutcome) { waits.append(outcome) }
}
