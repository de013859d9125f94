// SPDX-License-Identifier: Apache-2.0

import Synchronization
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

    @Test(arguments: [300, 2000, 100_000])
    func `a rate is kept however high it is`(_ rate: Int) {
        var limits = TenantLimits()
        limits.requestsPerSecond = rate
        var rates = TenantRates()
        for _ in 0..<2 * rate { #expect(rates.admit("acme", limits, at: start) == nil) }
        #expect(rates.admit("acme", limits, at: start) != nil)
        let later = start.advanced(by: .milliseconds(100))
        var admitted = 0
        while rates.admit("acme", limits, at: later) == nil { admitted += 1 }
        #expect(abs(admitted - rate / 10) <= 1)
    }

    @Test func `a feed ends once its token is no longer good, or reaches elsewhere`() async throws {
        let test = try await TestPlane.start()
        for change in ["delete", "bind"] {
            let created = try await test.write(
                .create(.operator, body: ["name": "viewer", "role": "viewer"]))
            let holder = try test.plane.authenticate(bearer: try #require(created.secret))
            let feed = try test.plane.changes(
                after: 0, tenant: nil, kind: nil, isWatching: true, for: try Authority(of: holder), holder: holder)
            var position = Revision(0)
            guard case .records? = try await feed.next(after: &position) else {
                Issue.record("There is nothing to follow.")
                continue
            }
            if change == "delete" {
                try await test.write(.delete(.operator, name: "viewer"))
            } else {
                try await test.write(.create(.tenant, body: ["name": "acme"]))
                try await test.write(
                    .put(.operator, name: "viewer", body: ["role": "viewer", "tenant": "acme"]))
            }
            #expect(try await feed.next(after: &position) == nil, "\(change)")
        }
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

    @Test func `feeds of the log are so many at once, for one tenant and for all, and places come back`() async throws {
        var limits = TenantLimits()
        limits.feeds = 2
        let test = try await TestPlane.start(tenantLimits: limits)
        try await test.seed()
        let own = Authority(role: .viewer, tenant: "acme")
        func follow(_ authority: Authority) throws(TurnpikeError) -> ChangeFeed {
            try test.plane.changes(after: 0, tenant: nil, kind: nil, isWatching: true, for: authority)
        }
        var feeds = [try follow(own), try follow(own)]
        let refused = try await refusal { () throws(TurnpikeError) in try follow(own) }
        #expect(refused.code == .rateLimited && refused.retryAfter != nil)
        feeds.append(try follow(.system))
        #expect(test.plane.feedPlaces.count == 3)
        feeds.removeFirst()
        feeds.append(try follow(own))
        feeds = []
        #expect(test.plane.feedPlaces.count == 0)

        let few = FeedPlaces(most: 1)
        let place = try few.take(for: nil, tenantLimit: 1)
        let full = try await refusal { () throws(TurnpikeError) in try few.take(for: "acme", tenantLimit: 1) }
        #expect(full.code == .overloaded)
        withExtendedLifetime(place) {}
    }

    @Test func `workers are so many, and so are their streams`() async throws {
        let test = try await TestPlane.start()
        let (first, second) = (try await test.join("gw-1"), try await test.join("gw-2"))
        let stream = try test.plane.openStream(worker: first, from: nil)
        test.plane.publisher.state.withLock { state in
            for number in 1..<Fleet.mostWorkers {
                state.streams[ResourceID(high: 7, low: UInt64(number))] = StreamState(serial: 0, from: nil)
            }
        }
        let refused = try await refusal { () throws(TurnpikeError) in
            try test.plane.openStream(worker: second, from: nil)
        }
        #expect(refused.code == .overloaded)
        // One that comes back takes its own place.
        _ = try test.plane.openStream(worker: first, from: nil)
        withExtendedLifetime(stream) {}

        let draft = Draft(over: Full(), revision: 1, now: start)
        draft.create(
            in: CollectionKey(.worker), name: nil, labels: [:],
            spec: Worker(role: .gateway, version: "1", credentials: []),
            at: nil)
        let full = try await refusal { () throws(TurnpikeError) in try draft.check() }
        #expect(full.code == .overloaded)
    }

    /// A state with as many resources of each kind as there may be workers.
    private struct Full: StateLayer {
        func resource(_ key: ResourceKey) -> Resource? { nil }
        func resources(in collection: CollectionKey) -> [Resource] { [] }
        func count(of collection: CollectionKey) -> Int { Fleet.mostWorkers }
        func keys(in collection: CollectionKey, limit: Int) -> [ResourceKey] { [] }
        func referrerCount(of key: ResourceKey) -> Int { 0 }
        func referrers(of key: ResourceKey, limit: Int) -> [ResourceKey] { [] }
        func keysChanged(since walk: Walk) -> Set<ResourceKey> { [] }
        func claims(on host: String) -> [String: Int] { [:] }
        func claims(below parent: String) -> [String: Int] { [:] }
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
