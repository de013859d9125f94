// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeSnapshot
import TurnpikeTelemetry

@testable import TurnpikeWorker

@Suite struct SeriesUpkeepTests {
    private static let minute: UInt64 = 60_000_000_000

    private func route(_ name: String, _ number: UInt64, tenant: String = "acme") -> CompiledResource {
        .route(
            CompiledRoute(
                tenant: tenant, name: name, id: ResourceID(high: 3, low: number), tenantID: ResourceID(high: 1, low: 1),
                hosts: ["\(tenant).test"], paths: [.prefix("/\(name)")], methods: [], priority: 0, requiresKey: false,
                backends: [.init(cluster: "orders", weight: 100)]))
    }

    private func cluster(tenant: String = "acme") -> CompiledResource {
        .cluster(
            CompiledCluster(
                tenant: tenant, name: "orders", id: ResourceID(high: 4, low: 4),
                endpoints: [.init(host: "127.0.0.1", port: 9, weight: 1)], connectTimeout: .seconds(5),
                responseTimeout: .seconds(5)))
    }

    @Test func `series of routes, services and tenants that are served no longer leave, and no others`() throws {
        var state = GatewayState()
        _ = try state.apply(
            Delta(
                revision: 1, isSnapshot: true,
                set: [
                    route("orders", 1), route("bills", 2), cluster(), route("x", 3, tenant: "zeta"),
                    cluster(tenant: "zeta"),
                ],
                removed: []))
        let metrics = MetricsRegistry()
        let subjects: [MetricSubject] = [
            .tenant("acme"), .tenant("zeta"), .route(tenant: "acme", name: "orders"),
            .route(tenant: "acme", name: "bills"), .route(tenant: "zeta", name: "x"),
            .service(tenant: "acme", name: "orders"), .service(tenant: "zeta", name: "orders"),
        ]
        for subject in subjects {
            metrics.counter("c_total", help: "C.", labels: [("subject", "\(subject)")], of: subject).increment()
        }
        for now in 0..<10 { metrics.dropSeries(notOf: state, at: UInt64(now) * Self.minute) }
        for subject in subjects { #expect(metrics.render().contains("\(subject)".escaped)) }

        _ = try state.apply(
            Delta(
                revision: 2, isSnapshot: false, set: [],
                removed: [
                    CompiledName(.route, tenant: "acme", name: "bills"),
                    CompiledName(.route, tenant: "zeta", name: "x"),
                    CompiledName(.cluster, tenant: "zeta", name: "orders"),
                ]))
        for now in 10..<15 { metrics.dropSeries(notOf: state, at: UInt64(now) * Self.minute) }
        for subject in subjects { #expect(metrics.render().contains("\(subject)".escaped)) }
        metrics.dropSeries(notOf: state, at: 15 * Self.minute)
        let text = metrics.render()
        let left = subjects.filter { text.contains("\($0)".escaped) }
        #expect(
            left == [
                .tenant("acme"), .route(tenant: "acme", name: "orders"), .service(tenant: "acme", name: "orders"),
            ])
    }
}

extension String {
    /// As a label's value has it.
    fileprivate var escaped: String {
        split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\"")
    }
}
