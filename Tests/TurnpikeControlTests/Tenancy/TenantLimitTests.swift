// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct TenantLimitTests {
    private let start = Timestamp(seconds: 1_800_000_000)

    @Test func `a tenant's operators share a rate, and other tenants do not feel it`() {
        var limits = TenantLimits()
        limits.requestsPerSecond = 10
        var rates = TenantRates()
        for _ in 0..<20 { #expect(rates.admit("acme", limits, at: start) == nil) }
        #expect(rates.admit("acme", limits, at: start) == .milliseconds(100))
        #expect(rates.admit("umbra", limits, at: start) == nil)
        #expect(rates.admit("acme", limits, at: start.advanced(by: .milliseconds(100))) == nil)
        #expect(rates.admit("acme", limits, at: start.advanced(by: .milliseconds(100))) != nil)
    }

    @Test func `a clock that goes back locks no tenant out`() {
        var limits = TenantLimits()
        limits.requestsPerSecond = 10
        var rates = TenantRates()
        while rates.admit("acme", limits, at: start) == nil {}
        let yesterday = start.advanced(by: .seconds(-86_400))
        #expect(rates.admit("acme", limits, at: yesterday) == .milliseconds(100))
        #expect(rates.admit("acme", limits, at: yesterday.advanced(by: .milliseconds(100))) == nil)
        for _ in 0..<20 { #expect(rates.admit("acme", limits, at: yesterday.advanced(by: .seconds(3))) == nil) }
    }

    @Test func `a tenant has so many resources, a bundle of its own so many items`() async throws {
        var limits = TenantLimits()
        (limits.resources, limits.bundleItems) = (3, 2)
        let test = try await TestPlane.start(tenantLimits: limits)
        try await test.seed()
        try await test.write(.put(.quota, tenant: "acme", name: "q", body: Body.quota(limit: 1)))
        let full = try await refusal { () throws(TurnpikeError) in
            try await test.write(.put(.service, tenant: "acme", name: "more", body: Body.service()))
        }
        #expect(full.code == .invalidResource && full.detail.contains("at most 3 resources"))
        // What is there can be changed, and another tenant has room.
        try await test.write(.put(.service, tenant: "acme", name: "orders", body: Body.service(port: 7)))
        try await test.seed("umbra", host: "api.umbra.test")

        let token = try #require(
            try await test.write(.create(.operator, body: ["name": "ops", "tenant": "acme"])).secret)
        var context = test.context()
        context.principal = try test.plane.authenticate(bearer: token)
        let deletes = ["a", "b", "c"].map { name -> JSON in ["kind": "quota", "tenant": "acme", "name": .string(name)] }
        let bundle = try Bundle(json: ["deletes": .array(deletes)])
        let tooMany = try await refusal { [context] () throws(TurnpikeError) in
            try await test.plane.apply(bundle, context)
        }
        #expect(tooMany.detail.contains("2 items at most"))
    }
}
