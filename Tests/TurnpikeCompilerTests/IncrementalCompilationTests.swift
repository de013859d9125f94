// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeCompiler
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

/// Random changes of a small state; small, so that changes meet.
private struct RandomChanges {
    var random: SeededGenerator

    mutating func key() -> ResourceKey {
        let tenant = ["acme", "globex"].randomElement(using: &random)
        let names = ["a", "b", "c", "d"]
        let kinds: [Kind] = [.route, .route, .route, .service, .apiKey, .policy, .policy, .quota, .tenant, .joinToken]
        let kind = kinds.randomElement(using: &random) ?? .route
        if kind == .tenant { return ResourceKey(.tenant, name: tenant ?? "acme") }
        return ResourceKey(
            kind, tenant: kind == .joinToken ? nil : tenant, name: names.randomElement(using: &random) ?? "a")
    }

    mutating func resource(_ key: ResourceKey) throws -> Resource? {
        guard Int.random(in: 0..<4, using: &random) > 0 else { return nil }
        let number = Int64.random(in: 1...3, using: &random)
        let id = UInt64.random(in: 1...3, using: &random)
        switch key.kind {
        case .tenant: return try .fixture(Tenant.self, key.name, [:], id: id)
        case .route:
            let body: JSON = [
                "match": ["hosts": ["h.test"], "paths": [["exact": .string("/\(number)")]]],
                "backends": [["service": "a"]],
            ]
            return try .fixture(Route.self, tenant: key.tenant, key.name, body, labels: labels())
        case .service:
            let body: JSON = ["endpoints": [["host": "h.test", "port": .integer(number)]]]
            return try .fixture(Service.self, tenant: key.tenant, key.name, body)
        case .apiKey:
            return try .fixture(APIKey.self, tenant: key.tenant, key.name, ["enabled": .bool(number < 3)]) {
                $0.digest = String(repeating: "\(number)", count: 64)
            }
        case .policy:
            let body: JSON = [
                "kind": "rateLimit", "per": "key", "limit": .integer(number), "interval": "1s", "selector": selector(),
            ]
            return try .fixture(Policy.self, tenant: key.tenant, key.name, body)
        case .quota:
            let body: JSON = ["limit": .integer(number), "period": "day", "selector": selector()]
            return try .fixture(Quota.self, tenant: key.tenant, key.name, body)
        default: return try .fixture(JoinToken.self, key.name, ["kind": "gateway"])
        }
    }

    private mutating func labels() -> Labels {
        Bool.random(using: &random) ? ["tier": Bool.random(using: &random) ? "gold" : "silver"] : [:]
    }

    private mutating func selector() -> JSON {
        let routes = ["a", "b", "c", "d"].filter { _ in Int.random(in: 0..<4, using: &random) == 0 }
        return ["routes": .array(routes.map { .string($0) }), "labels": labels().json]
    }
}

@Suite struct IncrementalCompilationTests {
    @Test(arguments: UInt64(1)...20)
    func `compiling what a change affects gives what compiling everything gives`(seed: UInt64) throws {
        var changes = RandomChanges(random: SeededGenerator(seed: seed))
        var state = TestState()
        var compiled: [CompiledName: CompiledResource] = [:]
        for step in 0..<150 {
            var done: [(before: Resource?, after: Resource?)] = []
            for _ in 0..<Int.random(in: 1...4, using: &changes.random) {
                let key = changes.key()
                let after = try changes.resource(key)
                done.append((state.set(key, after), after))
            }
            var compilation = Compilation(of: state)
            for change in done {
                for name in compilation.affected(from: change.before, to: change.after) {
                    compiled[name] = compilation.compile(name)
                }
            }
            try #require(compiled == state.compileAll(), "seed \(seed), step \(step)")
        }
    }
}
