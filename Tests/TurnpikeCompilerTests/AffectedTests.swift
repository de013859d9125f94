// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeCompiler
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@Suite struct AffectedTests {
    /// The texts of the compiled names that a change affects, in a state with three routes of which two are gold.
    private func affected(from before: Resource?, to after: Resource?) throws -> Set<String> {
        var state = TestState([
            try Acme.tenant(), try Acme.route("a", labels: ["tier": "gold"]),
            try Acme.route("b", labels: ["tier": "gold"]),
            try Acme.route("c"), try Acme.service(), try Acme.key(),
        ])
        let key = try #require((after ?? before)?.key)
        _ = state.set(key, after)
        return Set(Compilation(of: state).affected(from: before, to: after).map(\.description))
    }

    @Test func `a route, a service, a key and a certificate affect themselves alone`() throws {
        #expect(try affected(from: Acme.route("a"), to: Acme.route("a", labels: ["x": "y"])) == ["route/acme/a"])
        #expect(try affected(from: Acme.service(), to: Acme.service(port: 9002)) == ["cluster/acme/orders"])
        #expect(try affected(from: Acme.key(), to: nil) == ["key/acme/partner"])
        #expect(try affected(from: nil, to: Acme.certificate()) == ["certificate/acme/api"])
    }

    @Test func `a limit affects itself alone, whichever routes it selects, before and after`() throws {
        let gold = try Acme.policy("burst", selector: ["labels": ["tier": "gold"]], limit: 1)
        let everywhere = try Acme.policy("burst", limit: 2)
        for (before, after) in [(nil, gold), (gold, nil), (gold, everywhere), (everywhere, gold), (nil, everywhere)] {
            #expect(try affected(from: before, to: after) == ["rateLimit/acme/burst"])
        }
        let before = try Acme.quota("monthly", selector: ["routes": ["c"]])
        let after = try Acme.quota("monthly", selector: ["routes": ["a"]])
        #expect(try affected(from: before, to: after) == ["quota/acme/monthly"])
    }

    @Test func `a tenant affects what it has only where its identity changes`() throws {
        let renamed = try Resource.fixture(Tenant.self, "acme", ["displayName": "Acme GmbH"])
        #expect(try affected(from: Acme.tenant(), to: renamed).isEmpty)
        #expect(try affected(from: Acme.tenant(), to: Acme.tenant(id: 2)).count == 5)
    }

    @Test func `kinds that data planes never see affect nothing`() throws {
        let token = try Resource.fixture(JoinToken.self, "t", ["kind": "gateway"])
        #expect(try affected(from: nil, to: token).isEmpty)
    }
}
