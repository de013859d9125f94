// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct CapabilityTests {
    private func announce(_ capabilities: Set<String>) -> WorkerAnnouncement {
        WorkerAnnouncement(version: "0.9", capabilities: capabilities, addresses: ["10.0.0.1:8000"])
    }

    private let all = Set(Capability.allCases.map(\.rawValue))

    @Test func `what a connected worker cannot do is told with the write, and with a dry run`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let old = try test.plane.openStream(
            worker: try await test.join("old"), from: nil, announce(all.subtracting(["rateLimit"])))
        let new = try test.plane.openStream(worker: try await test.join("new"), from: nil, announce(all))
        let silent = try test.plane.openStream(worker: try await test.join("silent"), from: nil)
        for isDryRun in [true, false] {
            let outcome = try await test.write(
                .put(.policy, tenant: "acme", name: "burst", body: Body.policy), dryRun: isDryRun)
            #expect(Set(outcome.gaps.map(\.worker)) == ["old"])
            #expect(Set(outcome.gaps.map(\.capability)) == ["rateLimit"])
            #expect(outcome.gaps.map(\.resource) == [ResourceKey(.policy, tenant: "acme", name: "burst")])
        }
        let harmless = try await test.write(.put(.service, tenant: "acme", name: "more", body: Body.service()))
        #expect(harmless.gaps.isEmpty)
        // Once it is gone, or upgraded, nothing is lacking.
        old.close()
        let quiet = try await test.write(.put(.policy, tenant: "acme", name: "other", body: Body.policy))
        #expect(quiet.gaps.isEmpty)
        withExtendedLifetime((old, new, silent)) {}
    }

    @Test func `what connected workers lack is known as streams open, end and are replaced`() throws {
        var random = SeededGenerator(seed: 7)
        let workers = try (0..<5).map { number in
            try Resource.fixture(Worker.self, "gw-\(number)", ["kind": "gateway"], id: UInt64(number))
        }
        var fleet = Fleet()
        for step in 0..<500 {
            let worker = try #require(workers.randomElement(using: &random))
            let said: WorkerAnnouncement? =
                Bool.random(using: &random)
                ? announce(all.filter { _ in Bool.random(using: &random) }) : nil
            switch Int.random(in: 0..<5, using: &random) {
            case 0: fleet.remove(worker.id)
            case 1: fleet.update(worker, at: Timestamp(seconds: 0))
            case 2: fleet.change(worker.id) { $0.isConnected = false }
            default:
                fleet.update(worker, at: Timestamp(seconds: 0))
                fleet.change(worker.id) { ($0.isConnected, $0.announcement) = (true, said) }
            }
            let connected = fleet.members.values.map(\.status).filter(\.isConnected)
            let lacking = Capability.allCases.filter { capability in
                connected.contains { $0.announcement?.lacks(capability) == true }
            }
            #expect(fleet.lacking == Set(lacking), "step \(step)")
        }
    }

    @Test func `a worker's page tells what it said of itself last`() async throws {
        let test = try await TestPlane.start()
        let worker = try await test.join("gw-1")
        let stream = try test.plane.openStream(worker: worker, from: nil, announce(["quota"]))
        let status = try #require(test.plane.workerStatus(of: worker.resource.id)?.json)
        #expect(status["version"] == "0.9" && status["capabilities"] == ["quota"])
        #expect(status["addresses"] == ["10.0.0.1:8000"])
        withExtendedLifetime(stream) {}
    }

    @Test func `each part of a route and of a service asks for what it needs`() throws {
        let route = CompiledRoute(
            tenant: "acme", name: "r", id: .zero, tenantID: .zero, hosts: ["h"],
            paths: [.template("/{a}"), .regex("/.*")], encodedSlashes: true,
            methods: [], priority: 0, requiresKey: true, maxContentBytes: 1,
            backends: [.init(cluster: "a", weight: 1), .init(cluster: "b", weight: 1)],
            headers: [ValueMatch(name: "x", rule: .present(true))],
            query: [ValueMatch(name: "x", rule: .present(true))], condition: try Condition("method == 'GET'"),
            redirect: Redirect(status: 308, location: TextTemplate(literal: "/")),
            respond: DirectResponse(status: 200, contentType: "text/plain", body: ""),
            rewrite: Rewrite(path: nil, host: "a"), stickiness: Stickiness(.header("x")),
            mirrors: [Mirror(service: "b")], upgrades: Upgrades(protocols: ["websocket"]),
            requestHeaders: HeaderEdits(remove: ["x"]))
        let cluster = CompiledCluster(
            tenant: "acme", name: "c", id: .zero, endpoints: [.init(host: "h", port: 80, weight: 1)],
            connectTimeout: .seconds(1), responseTimeout: .seconds(1), requestTimeout: .seconds(1),
            idleTimeout: .seconds(1), streamIdleTimeout: .zero,
            loadBalancing: LoadBalancing(algorithm: .leastRequest, localityAwareness: .init()),
            outlierDetection: OutlierDetection(),
            retries: Retries(on: [.reset]), circuitBreakers: CircuitBreakers(maxRequests: 1),
            protocol: .http2, tls: UpstreamTLS(clientCertificate: "x"),
            healthCheck: HealthCheck(.grpc(.init())), dnsRefreshRate: .seconds(30))
        let limit = CompiledRateLimit(
            tenant: "acme", name: "l", id: .zero, per: .key, limit: 1, interval: .seconds(1), burst: 1)
        let quota = CompiledQuota(
            tenant: "acme", name: "q", id: .zero, tenantID: .zero, per: .key, limit: 1, period: .day,
            enforcement: .hard)
        let ofRoute = CompiledResource.route(route).requiredCapabilities
        let ofCluster = CompiledResource.cluster(cluster).requiredCapabilities
        #expect(ofRoute.isDisjoint(with: ofCluster))
        #expect(CompiledResource.rateLimit(limit).requiredCapabilities == [.rateLimit])
        #expect(CompiledResource.quota(quota).requiredCapabilities == [.quota])
        #expect(
            ofRoute.union(ofCluster).union([.rateLimit, .quota])
                == Set(Capability.allCases).subtracting([.certificate, .probe]))
    }
}
