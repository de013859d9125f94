// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct DraftTests {
    private static let services = ["a", "b", "c"]

    private func route(_ name: String, to services: [String]) throws -> Resource {
        let body: JSON = [
            "match": ["hosts": ["h.test"], "paths": [["exact": "/"]]],
            "backends": .array(services.map { ["service": .string($0)] }),
        ]
        return try .fixture(Route.self, tenant: "acme", name, body)
    }

    /// Writes to one layer, at random: routes that come, go and refer to others.
    private func change(
        _ draft: Draft, _ routes: inout [ResourceKey: Resource], _ random: inout SeededGenerator
    ) throws {
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let name = "r\(Int.random(in: 0..<8, using: &random))"
            let key = ResourceKey(.route, tenant: "acme", name: name)
            let targets = Self.services.filter { _ in Bool.random(using: &random) }
            let after = targets.isEmpty ? nil : try route(name, to: targets)
            guard routes[key] != nil || after != nil else { continue }
            draft.record(key, after: after, at: nil)
            routes[key] = after
        }
    }

    @Test func `a draft tells each collection's own, also after it was asked`() throws {
        let draft = Draft(over: SharedView(), revision: 1, now: Timestamp(seconds: 0))
        let body: JSON = ["match": ["hosts": ["h.test"], "paths": [["exact": "/"]]], "backends": [["service": "a"]]]
        for number in 0..<30 {
            let (tenant, name) = ("t\(number % 3)", "r\(number)")
            let route = try Resource.fixture(Route.self, tenant: tenant, name, body)
            draft.record(ResourceKey(.route, tenant: tenant, name: name), after: route, at: nil)
            let collection = CollectionKey(.route, tenant: tenant)
            #expect(draft.resources(in: collection).count == number / 3 + 1)
            #expect(draft.keys(in: collection, limit: 100).last?.name == name)
        }
        let gone = ResourceKey(.route, tenant: "t1", name: "r1")
        draft.record(gone, after: nil, at: nil)
        #expect(draft.keys(in: CollectionKey(.route, tenant: "t1"), limit: 100).count == 9)
        #expect(!draft.resources(in: CollectionKey(.route, tenant: "t1")).contains { $0.key == gone })
        #expect(draft.resources(in: CollectionKey(.route, tenant: "t2")).count == 10)
    }

    @Test(arguments: UInt64(1)...50)
    func `layers of drafts know what refers to what as if they were one state`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var routes: [ResourceKey: Resource] = [:]
        var layer: any StateLayer = SharedView()
        let collection = CollectionKey(.route, tenant: "acme")
        for step in 0..<6 {
            let draft = Draft(over: layer, revision: Revision(step + 1), now: Timestamp(seconds: 0))
            try change(draft, &routes, &random)
            // A write's own draft is taken over by its group's.
            let own = Draft(over: draft, revision: Revision(step + 1), now: Timestamp(seconds: 0))
            try change(own, &routes, &random)
            draft.absorb(own)
            layer = draft
            #expect(Set(layer.keys(in: collection, limit: 100)) == Set(routes.keys), "seed \(seed), step \(step)")
            let some = layer.keys(in: collection, limit: 3)
            #expect(some.count == min(3, routes.count) && Set(some).isSubset(of: routes.keys))
            for service in Self.services {
                let key = ResourceKey(.service, tenant: "acme", name: service)
                let expected = Set(routes.values.filter { $0.referenceTargets.contains(key) }.map(\.key))
                #expect(layer.referrerCount(of: key) == expected.count, "seed \(seed), step \(step)")
                #expect(Set(layer.referrers(of: key, limit: 100)) == expected, "seed \(seed), step \(step)")
                let two = layer.referrers(of: key, limit: 2)
                #expect(two.count == min(2, expected.count) && Set(two).isSubset(of: expected))
            }
        }
    }
}
