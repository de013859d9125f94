// SPDX-License-Identifier: Apache-2.0

import Logging
import Testing
import TurnpikeIdentity
import TurnpikeModel
import TurnpikeTelemetry
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct AccessTests {
    private func isRefused(_ bearer: String, by test: TestPlane) async throws -> Bool {
        try await refusal { () throws(TurnpikeError) in try test.plane.authenticate(bearer: bearer) }.code
            == .unauthenticated
    }

    @Test func `each credential tells who holds it`() async throws {
        let test = try await TestPlane.start()
        #expect(test.operator.actor == "operator:bootstrap")
        let token = try #require(try await test.write(.create(.joinToken, body: ["kind": "gateway"])).secret)
        guard case .joinToken = try test.plane.authenticate(bearer: token) else {
            Issue.record("It is a join token.")
            return
        }
        #expect(try await test.join("gw-1").actor == "worker:gw-1")
    }

    @Test func `what is malformed, unknown or meant for gateways is refused alike`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let key = try #require(try await test.write(.create(.apiKey, tenant: "acme", body: ["name": "p"])).secret)
        let other = try await TestPlane.start().token
        for bearer in ["", "x", "tp_op_", String(test.token.dropLast()), test.token + "x", key, other] {
            #expect(try await isRefused(bearer, by: test))
        }
    }

    @Test func `a deleted operator is refused at once`() async throws {
        let test = try await TestPlane.start()
        let token = try #require(try await test.write(.create(.operator, body: ["name": "ops"])).secret)
        _ = try test.plane.authenticate(bearer: token)
        try await test.write(.delete(.operator, name: "ops"))
        #expect(try await isRefused(token, by: test))
    }

    @Test func `an expired credential is refused by the clock`() async throws {
        let test = try await TestPlane.start()
        let end = test.clock.now.advanced(by: .seconds(100))
        let body: JSON = ["name": "ops", "expiresAt": .string(end.description)]
        let tokens = [
            try #require(try await test.write(.create(.operator, body: body)).secret),
            try #require(
                try await test.write(.create(.joinToken, body: ["kind": "gateway", "lifetime": "1m"])).secret),
        ]
        for token in tokens { _ = try test.plane.authenticate(bearer: token) }
        test.clock.set(end)
        for token in tokens { #expect(try await isRefused(token, by: test)) }
    }

    @Test func `the bootstrap token may be given, once, and is an owner's`() async throws {
        let plane = try await ControlPlane.start(
            store: InMemoryStore(), clock: ManualWallClock(), sealingKeys: SealingKeys(SealingKey()),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            metrics: MetricsRegistry())
        // Such a one could never be shown to be whole, and would let nobody in.
        for token in ["short", "tp_op_of-my-own-choice"] {
            await #expect(throws: TurnpikeError.self) { try await plane.bootstrapOperator(token: token) }
        }
        let token = "a-token-of-my-own-choice"
        #expect(try await plane.bootstrapOperator(token: token) == token)
        #expect(try await plane.bootstrapOperator(token: token) == nil)
        let principal = try plane.authenticate(bearer: token)
        #expect(principal.actor == "operator:bootstrap")
        #expect(try Authority(of: principal) == Authority(role: .owner, tenant: nil))
    }
}
