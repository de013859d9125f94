// SPDX-License-Identifier: Apache-2.0

import TurnpikeMetering
import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeSnapshot

/// A kept-alive connection of a gateway, and an upstream that answers at once; all in memory, and the same in each run.
final class CoreExchange {
    struct Unexpected: Error, CustomStringConvertible {
        var description: String
    }

    private static let keys = 10_000

    private let gateway: Gateway
    private let connection: ServerConnection
    private let requests: [[UInt8]]
    private let answer: [UInt8]
    private let expected: [UInt8]
    private var upstream: UpstreamID?
    private var step = Step()
    private var served = 0

    /// What the actions of one event have asked for.
    private struct Step {
        var connect: UpstreamID?
        var isSent = false
        var isAnswered = false
    }

    init(_ subject: CoreCase) throws {
        requests = subject.requests.map { Array($0.utf8) }
        answer = Array(subject.answer.utf8)
        expected = Array("HTTP/1.1 \(subject.status) ".utf8)
        gateway = Gateway(recorder: CountedUsage(), observer: nil, seed: 7, digest: { Self.digest($0) })
        gateway.advance(now: 1_000_000_000, wall: Timestamp(seconds: 1_800_000_000))
        var state = GatewayState(hashSeed: 7)
        _ = gateway.apply(try state.apply(Self.configuration(of: subject)))
        connection = ServerConnection(
            gateway: gateway, client: ClientAddress(text: "192.0.2.7", bytes: [192, 0, 2, 7]))
    }

    /// One request, a millisecond after the one before, and its answer.
    func serveOnce() throws {
        served += 1
        gateway.advance(
            now: 1_000_000_000 + UInt64(served) * 1_000_000,
            wall: Timestamp(milliseconds: 1_800_000_000_000 + Int64(served)))
        step = Step()
        event(requests[served % requests.count]) { $0.receivedFromClient($1) }
        grant()
        if let id = step.connect { event([]) { connection, _ in connection.upstreamConnected(id) } }
        if step.isSent, let upstream { event(answer) { $0.receivedFromUpstream(upstream, $1) } }
        guard step.isAnswered, connection.isIdle else {
            throw Unexpected(description: "Request \(served) was not answered.")
        }
    }

    /// As many units as are ever asked for, so that only the first request waits.
    private func grant() {
        guard connection.waitsForGrant else { return }
        let wants = gateway.takeLeaseWants()
        let grants = wants.map {
            LeaseGrant(
                key: LeaseKey(quota: $0.quota, subject: $0.subject, periodStart: Timestamp(seconds: 1_790_000_000)),
                periodEnd: Timestamp(seconds: 2_000_000_000), granted: 1_000_000_000, isExhausted: false)
        }
        gateway.take(grants, for: wants)
        event([]) { connection, _ in connection.leasesChanged() }
    }

    private func event(_ bytes: [UInt8], _ body: (ServerConnection, UnsafeRawBufferPointer) -> Void) {
        bytes.withUnsafeBytes { received in
            body(connection, received)
            connection.takeActions(carryOut)
        }
    }

    private func carryOut(_ action: ExchangeAction) {
        switch action {
        case .connect(let id, _): (step.connect, upstream) = (id, id)
        case .attach(let id): upstream = id
        case .sendToUpstream: step.isSent = true
        case .sendToClient(.staged(let range)):
            let sent = UnsafeRawBufferPointer(rebasing: connection.clientStage[range.lowerBound..<range.upperBound])
            if sent.starts(with: expected) { step.isAnswered = true }
        case .detach, .closeUpstream, .endUpstream: upstream = nil
        default: break
        }
    }

    // MARK: - Configuration

    static let tenant = ResourceID(high: 1, low: 1)

    private static func configuration(of subject: CoreCase) -> Delta {
        func route(_ name: String, _ id: UInt64, _ path: String, limited: Bool) -> CompiledResource {
            .route(
                CompiledRoute(
                    tenant: "acme", name: name, id: ResourceID(high: 10, low: id), tenantID: tenant,
                    hosts: ["api.acme.test"], paths: [.prefix(path)], methods: [], priority: 0, requiresKey: limited,
                    backends: [.init(cluster: "orders", weight: 1)]))
        }
        let resources: [CompiledResource] = [
            route("open", 1, "/v1/orders", limited: false), route("keyed", 2, "/v1/keyed", limited: true),
            .cluster(
                CompiledCluster(
                    tenant: "acme", name: "orders", id: ResourceID(high: 11, low: 1),
                    endpoints: [.init(host: "10.0.0.1", port: 80, weight: 1)], connectTimeout: .seconds(1),
                    responseTimeout: .seconds(5))),
            .rateLimit(
                CompiledRateLimit(
                    tenant: "acme", name: "burst", id: ResourceID(high: 13, low: 1), per: .key, limit: 1_000_000,
                    interval: .seconds(1), burst: 1_000_000, selector: RouteSelector(routes: ["keyed"]))),
            .quota(
                CompiledQuota(
                    tenant: "acme", name: "monthly", id: ResourceID(high: 14, low: 1), tenantID: tenant, per: .tenant,
                    limit: 1_000_000_000_000, period: .month, enforcement: .hard,
                    selector: RouteSelector(routes: ["keyed"]))),
        ]
        let keys = (0..<keys).map { number in
            CompiledResource.key(
                CompiledKey(
                    tenant: "acme", name: "key-\(number)", id: ResourceID(high: 12, low: UInt64(number)),
                    tenantID: tenant,
                    digest: Array(CoreCase.key(number).utf8).withUnsafeBytes { digest($0) }, expiresAt: nil, routes: [])
            )
        }
        let routes = subject.routes?.routes.map { CompiledResource.route($0) } ?? []
        return Delta(revision: 1, isSnapshot: true, set: resources + keys + routes, removed: [])
    }

    /// Stands for SHA-256, which is no part of the engine.
    private static func digest(_ bytes: UnsafeRawBufferPointer) -> KeyDigest {
        func word(_ seed: UInt64) -> UInt64 { bytes.reduce(seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } }
        return KeyDigest(words: (word(1), word(2), word(3), word(4)))
    }
}

/// Where usage goes, at no cost worth the name.
private final class CountedUsage: UsageRecorder {
    let canRecord = true
    private var requests: Int64 = 0

    func record(_ key: SeriesKey, _ counters: UsageCounters) { requests += counters.requests }
    func recordConsumption(_ key: LeaseKey, units: Int64) {}
    func recordRelease(_ key: LeaseKey, units: Int64) {}
}
