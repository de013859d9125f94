// SPDX-License-Identifier: Apache-2.0

import Logging
import Testing
import TurnpikeIdentity
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry
import TurnpikeTestSupport

@testable import TurnpikeControl

/// A control plane in memory with an operator, and short ways to use it.
struct TestPlane: Sendable {
    let store: HookedStore
    let clock: ManualWallClock
    let sealingKey: SealingKey
    let metrics: MetricsRegistry
    let plane: ControlPlane
    let token: String
    let `operator`: Principal

    static func start(
        store: HookedStore = HookedStore(), tenantLimits: TenantLimits = TenantLimits()
    ) async throws -> TestPlane {
        let clock = ManualWallClock()
        let sealingKey = SealingKey()
        let metrics = MetricsRegistry()
        let plane = try await ControlPlane.start(
            store: store, clock: clock, sealingKeys: SealingKeys(sealingKey), tenantLimits: tenantLimits,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            metrics: metrics)
        let token = try #require(try await plane.bootstrapOperator(token: nil))
        return TestPlane(
            store: store, clock: clock, sealingKey: sealingKey, metrics: metrics, plane: plane, token: token,
            operator: try plane.authenticate(bearer: token))
    }

    /// Another control plane on the same store, as after a restart.
    func restarted(sealingKey other: SealingKey? = nil, former: [SealingKey] = []) async throws -> TestPlane {
        let sealingKey = other ?? sealingKey
        let plane = try await ControlPlane.start(
            store: store, clock: clock, sealingKeys: SealingKeys(sealingKey, former: former),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            metrics: MetricsRegistry())
        return TestPlane(
            store: store, clock: clock, sealingKey: sealingKey, metrics: metrics, plane: plane, token: token,
            operator: try plane.authenticate(bearer: token))
    }

    func context(dryRun: Bool = false) -> WriteContext {
        WriteContext(principal: `operator`, reason: "test", requestID: "req-1", isDryRun: dryRun)
    }

    @discardableResult
    func write(_ command: WriteCommand, dryRun: Bool = false) async throws(TurnpikeError) -> WriteOutcome {
        try await plane.write(command, context(dryRun: dryRun))
    }

    @discardableResult
    func apply(_ bundle: JSON, dryRun: Bool = false) async throws(TurnpikeError) -> ApplyOutcome {
        try await plane.apply(try Bundle(json: bundle), context(dryRun: dryRun))
    }

    /// Tenant `acme` with service and route `orders`.
    func seed(_ tenant: String = "acme", host: String = "api.acme.test") async throws(TurnpikeError) {
        try await write(.create(.tenant, body: ["name": .string(tenant)]))
        try await write(.put(.service, tenant: tenant, name: "orders", body: Body.service()))
        try await write(.put(.route, tenant: tenant, name: "orders", body: Body.route(host: host)))
    }

    /// Registers a worker.
    func join(_ name: String? = nil) async throws(TurnpikeError) -> Principal {
        try plane.authenticate(bearer: try await joinForIdentity(name).credential)
    }

    func joinForIdentity(_ name: String? = nil) async throws(TurnpikeError) -> WorkerIdentity {
        let token = try await write(.create(.joinToken, body: ["kind": "gateway"])).secret ?? ""
        let registration = Registration(name: name, role: .gateway, version: "1.0")
        return try await plane.join(
            registration, with: try plane.authenticate(bearer: token), from: "192.0.2.7", requestID: "req-2")
    }
}

/// Bodies that tests write.
enum Body {
    static func service(port: Int64 = 9001) -> JSON {
        ["endpoints": [["host": "127.0.0.1", "port": .integer(port)]]]
    }

    static func route(host: String = "api.acme.test", path: String = "/v1/orders", service: String = "orders") -> JSON {
        [
            "match": ["hosts": [.string(host)], "paths": [["prefix": .string(path)]]],
            "auth": ["anyOf": [["apiKey": [:]]]], "backends": [["service": .string(service)]],
        ]
    }

    static func quota(
        limit: Int64, period: String = "month", per: String = "tenant", enforcement: String = "hard"
    ) -> JSON {
        [
            "limit": .integer(limit), "period": .string(period), "per": .string(per),
            "enforcement": .string(enforcement),
        ]
    }

    static let policy: JSON = ["kind": "rateLimit", "per": "key", "limit": 100, "interval": "1s"]
}

/// The refusal that an operation ends with.
func refusal<Success>(
    _ operation: () async throws(TurnpikeError) -> Success, sourceLocation: SourceLocation = #_sourceLocation
) async throws -> TurnpikeError {
    do throws(TurnpikeError) { _ = try await operation() } catch { return error }
    Issue.record("It was not refused.", sourceLocation: sourceLocation)
    throw TurnpikeError(.internalError, "It was not refused.")
}

extension TurnpikeError {
    /// Pointers of the faults, in order.
    var pointers: [String] { faults.map(\.pointer.description) }
}

extension WorkerStream {
    /// Takes frames until a delta is complete; heartbeats are passed over.
    func nextDelta() async throws -> Delta? {
        var assembler = DeltaAssembler()
        while let frames = await next() {
            for frame in frames {
                if let delta = try assembler.take(frame) { return delta }
            }
        }
        return nil
    }
}
