// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@testable import TurnpikeProxyCore

/// How many requests stay in the gateway's zone, by what is healthy there.
@Suite struct ZonePreferenceTests {
    private func members(_ zones: [String?], weights: [Int]? = nil) -> ServiceMembers {
        ServiceMembers(
            zones.enumerated().map { place, zone in
                ServiceMembers.Configured(
                    address: EndpointAddress(host: "10.0.0.\(place)", port: 80), weight: weights?[place] ?? 1,
                    zone: zone)
            }, hasTable: false)
    }

    private func preferring(
        _ members: ServiceMembers, in zone: String? = "a", minHealthyPercent: Int = 50
    ) -> ZonePreference? {
        ZonePreference(members, in: zone, by: .init(minHealthyPercent: minHealthyPercent))
    }

    @Test(arguments: [
        (50, 4, 10_000), (50, 3, 10_000), (50, 2, 10_000), (50, 1, 5000), (50, 0, 0), (100, 3, 7500), (100, 4, 10_000),
        (70, 3, 10_000), (70, 2, 7142), (1, 1, 10_000), (1, 0, 0),
    ])
    func `the share follows what is healthy, below what has to be`(percent: Int, healthy: Int, share: Int) throws {
        let members = members(["a", "a", "b", "a", "a", nil])
        var preference = try #require(preferring(members, minHealthyPercent: percent))
        let own = [0, 1, 3, 4]
        preference.weigh(members.weights, now: 100) { own.firstIndex(of: $0).map { $0 < healthy ? 0 : .max } ?? .max }
        #expect(preference.share == UInt64(share) && preference.nextChange == .max)
    }

    @Test func `weights count, and endpoints without weight do not`() throws {
        let members = members(["a", "a", "a", "b"], weights: [1, 9, 0, 1])
        var preference = try #require(preferring(members, minHealthyPercent: 100))
        preference.weigh(members.weights, now: 100) { $0 == 1 ? .max : 0 }
        #expect(preference.share == 1000 && !preference.own.contains(2))
    }

    @Test func `who is out for a while is weighed again when he is back`() throws {
        let members = members(["a", "a", "b"])
        var preference = try #require(preferring(members, minHealthyPercent: 100))
        let until: [UInt64] = [500, 300, 0]
        for (now, share, next) in [(100, 0, 300), (300, 5000, 500), (500, 10_000, UInt64.max)]
            as [(UInt64, UInt64, UInt64)]
        {
            preference.weigh(members.weights, now: now) { until[$0] }
            #expect(preference.share == share && preference.nextChange == next)
        }
    }

    @Test func `the draw decides in the proportion of the share, and only where there is something to decide`() throws {
        let members = members(["a", "a", "b"])
        var preference = try #require(preferring(members, minHealthyPercent: 100))
        preference.weigh(members.weights, now: 0) { $0 == 0 ? .max : 0 }
        let stay = (0..<UInt64(20_000)).count { draw in preference.preferred { draw } == preference.own }
        #expect(stay == 10_000)
        for (healthy, expected) in [(UInt64(0), preference.own), (.max, preference.others)] {
            preference.weigh(members.weights, now: 0) { _ in healthy }
            let chosen = preference.preferred {
                Issue.record("nobody has to draw")
                return 0
            }
            #expect(chosen == expected)
        }
    }

    @Test func `a last chance is on the side where nobody was tried`() throws {
        let preference = try #require(preferring(members(["a", "a", "b", nil])))
        func untouched(_ tried: Int...) -> EndpointSet? {
            preference.untouched(by: tried.reduce(into: EndpointSet()) { $0.insert($1) })
        }
        #expect(untouched(0) == preference.others && untouched(0, 1) == preference.others)
        #expect(untouched(2, 3) == preference.own && untouched(0, 2) == nil)
    }

    @Test func `without a zone, or with nothing beside it, there is nothing to prefer`() {
        #expect(preferring(members(["a", "b"]), in: nil) == nil)
        #expect(preferring(members(["a", "b"]), in: "c") == nil)
        #expect(preferring(members(["a", "a"])) == nil)
        #expect(preferring(members([nil, nil])) == nil)
        #expect(preferring(members(["a", "b"], weights: [0, 1])) == nil)
        #expect(ZonePreference(members(["a", "b"]), in: "a", by: nil) == nil)
        #expect(preferring(members(["a", nil])) != nil)
    }

    @Test func `each address of a name is in the name's zone`() {
        var names = NameTable()
        var random = RandomSource(seed: 1)
        names.follow(["x.test"], for: .zero, every: 1, now: 0)
        _ = names.take(["10.0.0.1", "10.0.0.2"], for: "x.test", now: 0, random: &random)
        let members = ServiceMembers(
            [
                .init(address: EndpointAddress(host: "x.test", port: 80), weight: 2, zone: "a"),
                .init(address: EndpointAddress(host: "10.1.0.1", port: 80), weight: 1, zone: nil),
            ], hasTable: false, names: names)
        #expect(members.zones == ["a", "a", nil] && members.weights == [2, 2, 1])
    }
}
