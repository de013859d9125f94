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
