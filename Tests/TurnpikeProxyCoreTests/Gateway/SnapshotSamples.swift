// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// Pieces of a configuration with small numbers for ids.
enum Sample {
    static let acme = ResourceID(high: 1, low: 1)
    static let other = ResourceID(high: 1, low: 2)
    static let end = Timestamp(seconds: 2_000_000_000)

    static func route(
        _ name: String = "orders", id: UInt64 = 1, tenant: String = "acme", hosts: [String] = ["api.acme.test"],
        paths: [PathMatch] = [.prefix("/v1/orders")], methods: [String] = [], requiresKey: Bool = false,
        maxContentBytes: Int64? = nil,
        backends: [(String, Int)] = [("orders", 1)],
        labels: Labels = [:], headers: [ValueMatch] = [], condition: Condition? = nil
    ) -> CompiledResource {
        .route(
            CompiledRoute(
                tenant: tenant, name: name, id: ResourceID(high: 10, low: id),
                tenantID: tenant == "acme" ? acme : other,
                hosts: hosts, paths: paths, methods: methods, priority: 0, requiresKey: requiresKey,
                maxContentBytes: maxContentBytes,
                backends: backends.map { .init(cluster: $0.0, weight: $0.1) },
                labels: labels, headers: headers, condition: condition
            ))
    }

    static func cluster(
        _ name: String = "orders", tenant: String = "acme", endpoints: [(String, Int)] = [("10.0.0.1", 80)],
        weights: [Int] = [], zones: [String?] = [], connectTimeout: Duration = .seconds(1),
        responseTimeout: Duration = .seconds(5),
        requestTimeout: Duration? = nil, idleTimeout: Duration? = nil, streamIdleTimeout: Duration? = nil,
        loadBalancing: LoadBalancing? = nil, outlierDetection: OutlierDetection? = nil, retries: Retries? = nil,
        circuitBreakers: CircuitBreakers? = nil, healthCheck: HealthCheck? = nil, dnsRefreshRate: Duration? = nil,
        protocol: Service.UpstreamProtocol = .http
    ) -> CompiledResource {
        .cluster(
            CompiledCluster(
                tenant: tenant, name: name,
                id: ResourceID(high: 11, low: name.utf8.reduce(1) { $0 &* 31 &+ UInt64($1) }),
                endpoints: endpoints.enumerated().map {
                    .init(
                        host: $1.0, port: $1.1, weight: $0 < weights.count ? weights[$0] : 1,
                        zone: $0 < zones.count ? zones[$0] : nil)
                },
                connectTimeout: connectTimeout, responseTimeout: responseTimeout, requestTimeout: requestTimeout,
                idleTimeout: idleTimeout, streamIdleTimeout: streamIdleTimeout, loadBalancing: loadBalancing,
                outlierDetection: outlierDetection, retries: retries, circuitBreakers: circuitBreakers,
                protocol: `protocol`, healthCheck: healthCheck,
                dnsRefreshRate: dnsRefreshRate
            ))
    }

    static func key(
        _ secret: String, id: UInt64 = 1, tenant: String = "acme", expiresAt: Timestamp? = nil, routes: [String] = []
    ) -> CompiledResource {
        .key(
            CompiledKey(
                tenant: tenant, name: "key-\(id)", id: ResourceID(high: 12, low: id),
                tenantID: tenant == "acme" ? acme : other, digest: digest(secret), expiresAt: expiresAt, routes: routes
            ))
    }

    static func rateLimit(
        _ name: String = "burst", id: UInt64 = 1, per: RateLimit.Subject, limit: Int64,
        interval: Duration = .seconds(1), burst: Int64? = nil, selector: RouteSelector = RouteSelector()
    ) -> CompiledResource {
        .rateLimit(
            CompiledRateLimit(
                tenant: "acme", name: name, id: ResourceID(high: 13, low: id), per: per, limit: limit,
                interval: interval,
                burst: burst ?? limit, selector: selector
            ))
    }

    static func quota(
        _ name: String = "monthly", id: UInt64 = 1, per: Quota.Subject = .tenant, limit: Int64 = 100,
        enforcement: Quota.Enforcement = .hard, selector: RouteSelector = RouteSelector()
    ) -> CompiledResource {
        .quota(
            CompiledQuota(
                tenant: "acme", name: name, id: ResourceID(high: 14, low: id), tenantID: acme, per: per, limit: limit,
                period: .month, enforcement: enforcement, selector: selector
            ))
    }

    /// Everything at once, as a stream begins.
    static func whole(_ resources: [CompiledResource], revision: Revision = 1) -> Delta {
        Delta(revision: revision, isSnapshot: true, set: resources, removed: [])
    }

    static func snapshot(_ resources: [CompiledResource], revision: Revision = 1) -> Snapshot {
        var snapshot = Snapshot(revision: revision)
        for resource in resources { snapshot.resources[resource.name] = resource }
        return snapshot
    }

    /// Stands for a hash: what these tests need is only that texts which differ differ.
    static func digest(_ text: String) -> KeyDigest {
        var text = text
        return text.withUTF8 { digest(UnsafeRawBufferPointer($0)) }
    }

    static func digest(_ bytes: UnsafeRawBufferPointer) -> KeyDigest {
        func word(_ seed: UInt64) -> UInt64 { bytes.reduce(seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } }
        return KeyDigest(words: (word(1), word(2), word(3), word(4)))
    }
}
