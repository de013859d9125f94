// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

/// Routes in several tables against routes in one.
@Suite struct RouteDirectoryTests {
    /// All that there is to say of a request.
    private struct Outcome: Equatable {
        var match: String
        var candidates: [Standing]

        struct Standing: Equatable {
            var route: ResourceID
            var verdict: RouteTable.Candidate.Verdict
        }
    }

    private static func outcome(_ directory: RouteDirectory, _ request: RequestFacts) -> Outcome {
        let match =
            switch directory.lookup(request) {
            case .route(let route): route.name
            case .methodNotAllowed(let allowed): "not \(allowed.header)"
            case .notFound: "nothing"
            }
        return Outcome(
            match: match,
            candidates: directory.explain(request).map { .init(route: $0.route.id, verdict: $0.verdict) })
    }

    private static func route(
        _ number: Int, hosts: [String], paths: [PathPattern], methods: [String] = [], priority: Int = 0,
        headers: [ValueMatch] = []
    ) -> GatewayRoute {
        let paths: [PathMatch] = paths.map {
            switch $0 {
            case .exact(let text): .exact(text)
            case .prefix(let text): .prefix(text)
            case .template(let text): .template(text)
            case .regex(let text): .regex(text)
            }
        }
        let compiled = CompiledRoute(
            tenant: "acme", name: "r\(number)", id: ResourceID(high: UInt64(number), low: 0), tenantID: Sample.acme,
            hosts: hosts, paths: paths, methods: methods, priority: priority, requiresKey: false, backends: [],
            headers: headers)
        return GatewayRoute(compiled, links: .init(backends: [], mirrors: [], group: 0))
    }

    private static func randomRoute(_ number: Int, _ random: inout SeededGenerator) -> GatewayRoute {
        let entry = RouteEntry.random(number, &random)
        var headers: [ValueMatch] = []
        for name in ["x-a", "x-b"] where Int.random(in: 0..<5, using: &random) == 0 {
            headers.append(ValueMatch(name: name, rule: .present(Bool.random(using: &random))))
        }
        var paths = entry.paths
        // Deeper than places are.
        if Int.random(in: 0..<8, using: &random) == 0 { paths.append(.template("/a/b/a/b/a/b/a/b/{x}")) }
        if Int.random(in: 0..<8, using: &random) == 0 { paths.append(.prefix("/a/b/a/b/a/b/a/b/a")) }
        if Int.random(in: 0..<8, using: &random) == 0 { paths.append(.regex("/a/b/a/b/a/b/a/b/[ab]/?")) }
        return route(
            number, hosts: entry.hosts.isEmpty ? ["a.test"] : entry.hosts, paths: paths, methods: entry.methods,
            priority: entry.priority, headers: headers)
    }

    private static func randomRequest(_ random: inout SeededGenerator) -> NaiveRequest {
        var request = NaiveRequest.random(&random)
        if Int.random(in: 0..<6, using: &random) == 0 {
            request.path =
                "/a/b/a/b/a/b/a/b" + ["", "/", "/a", "/a/b", "/b/"].randomElement(using: &random)!
        }
        return request
    }

    private static func directory(_ routes: [GatewayRoute], seed: UInt64, count: Int?) throws -> RouteDirectory {
        var directory = RouteDirectory(hashSeed: seed, shardCount: count)
        try #require(directory.take(routes.map { .init(former: nil, now: $0) }, routes: routes).isEmpty)
        return directory
    }

    private static func expectSame(
        _ some: RouteDirectory, _ other: RouteDirectory, requests: Int, _ random: inout SeededGenerator,
        _ context: String
    ) throws {
        for _ in 0..<requests {
            let request = randomRequest(&random)
            let (left, right) = try request.asSent(&random).withFacts { (outcome(some, $0), outcome(other, $0)) }
            #expect(left == right, "\(context): \(request)")
        }
    }

    @Test(arguments: UInt64(0)..<60)
    func `several tables answer as one does`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let routes = (0..<Int.random(in: 1...60, using: &random)).map { Self.randomRoute($0, &random) }
        let one = try Self.directory(routes, seed: seed, count: 1)
        let naive = NaiveMatcher(
            entries: routes.enumerated().map { number, route in
                var entry = route.entry
                entry.index = number
                return entry
            })
        for count in [4, 16] {
            let several = try Self.directory(routes.shuffled(using: &random), seed: seed, count: count)
            #expect(several.shards.count == count)
            try Self.expectSame(one, several, requests: 80, &random, "seed \(seed), \(count) tables")
            for _ in 0..<40 {
                let request = Self.randomRequest(&random)
                let match = try request.asSent(&random).withFacts { Self.outcome(several, $0).match }
                let expected =
                    switch naive.match(request) {
                    case .route(let index): match == "r\(index)"
                    case .methodNotAllowed: match.hasPrefix("not ")
                    case .notFound: match == "nothing"
                    }
                #expect(expected, "seed \(seed), \(count) tables: \(request) led to \(match)")
            }
        }
    }

    @Test(arguments: UInt64(0)..<24)
    func `changes one after the other lead where the whole does`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let count = [1, 4, 16][Int(seed % 3)]
        var routes: [Int: GatewayRoute] = [:]
        var directory = RouteDirectory(hashSeed: seed, shardCount: count)
        for step in 0..<30 {
            var changes: [RouteDirectory.Change] = []
            for number in Set(
                (0..<Int.random(in: 1...6, using: &random)).map { _ in Int.random(in: 0..<40, using: &random) })
            {
                let former = routes[number]
                var now: GatewayRoute?
                switch Int.random(in: 0..<4, using: &random) {
                case 0: break
                case 1:
                    now = former.map { GatewayRoute($0, links: .init(backends: [], mirrors: [], group: 0)) }
                default: now = Self.randomRoute(number, &random)
                }
                guard former != nil || now != nil else { continue }
                changes.append(.init(former: former, now: now))
                routes[number] = now
            }
            try #require(directory.take(changes, routes: routes.values).isEmpty)
            let whole = try Self.directory(Array(routes.values), seed: seed, count: count)
            #expect(directory.depthBits == whole.depthBits)
            try Self.expectSame(directory, whole, requests: 12, &random, "seed \(seed), step \(step), \(count) tables")
            // The very routes that hold now, not others of the same name.
            let served = Set(directory.shards.values.flatMap(\.routes).map(ObjectIdentifier.init))
            #expect(served == Set(routes.values.map(ObjectIdentifier.init)))
        }
    }

    @Test func `a change of one route makes no other tables anew than those of its places`() throws {
        let routes = (0..<4_000).map { Self.route($0, hosts: ["a.test"], paths: [.template("/v1/r\($0)/{id}")]) }
        var directory = try Self.directory(routes, seed: 7, count: nil)
        #expect(directory.shards.count == 512)
        #expect(directory.shards.values.allSatisfy { (1..<30).contains($0.routes.count) })
        func changed(_ change: RouteDirectory.Change) -> (shards: Int, tables: Int) {
            let before = Array(directory.shards.values)
            #expect(directory.take([change], routes: routes).isEmpty)
            return (
                zip(before, directory.shards.values).count { $0 !== $1 },
                zip(before, directory.shards.values).count { $0.table !== $1.table }
            )
        }
        let moved = Self.route(7, hosts: ["a.test"], paths: [.template("/v2/r7/{id}")])
        #expect(changed(.init(former: routes[7], now: moved)).tables <= 2)
        let alike = GatewayRoute(moved, links: .init(backends: [], mirrors: [], group: 0))
        #expect(changed(.init(former: moved, now: alike)) == (1, 0))
        #expect(changed(.init(former: alike, now: nil)) == (1, 1))
        // What tables are made of was taken apart once, when the routes were made.
        for shard in directory.shards.values {
            #expect(zip(shard.table.members, shard.routes).allSatisfy { $0.prepared === $1.prepared })
        }
    }

    @Test func `the count of tables follows that of places, and not each change`() throws {
        let routes = (0..<600).map { Self.route($0, hosts: ["a.test", "b.test"], paths: [.exact("/r\($0)")]) }
        var directory = RouteDirectory(hashSeed: 7)
        var present: [GatewayRoute] = []
        var counts: [Int] = []
        for route in routes {
            present.append(route)
            #expect(directory.take([.init(former: nil, now: route)], routes: present).isEmpty)
            if counts.last != directory.shards.count { counts.append(directory.shards.count) }
        }
        #expect(counts == [1, 64, 128, 256])
        while let route = present.popLast() {
            #expect(directory.take([.init(former: route, now: nil)], routes: present).isEmpty)
            if counts.last != directory.shards.count { counts.append(directory.shards.count) }
        }
        #expect(counts == [1, 64, 128, 256, 1])
        // At a number where there are more tables when routes come, there are as many when they go.
        for places in 1...5_000 {
            for now in [1, 16, 32, 64, 128, 256, 512, 1024] {
                let count = RouteDirectory.shardCount(for: places, now: now)
                #expect(RouteDirectory.shardCount(for: places, now: count) == count)
                if count > now { #expect(RouteDirectory.shardCount(for: places - 1, now: count) == count) }
                if count < now, count > 1 { #expect(RouteDirectory.shardCount(for: places + 1, now: count) == count) }
            }
        }
    }

    @Test func `of many routes each that cannot be matched is named`() throws {
        let good = (0..<600).map { Self.route($0, hosts: ["a.test"], paths: [.prefix("/r\($0)")]) }
        var directory = try Self.directory(good, seed: 7, count: nil)
        let bad = [
            Self.route(1000, hosts: ["a.test"], paths: [.prefix("r")]),
            Self.route(1001, hosts: ["a b.test"], paths: [.prefix("/")]),
            Self.route(1002, hosts: ["a.test"], paths: []),
            Self.route(1003, hosts: ["a.test"], paths: [.exact("/fine"), .regex("/[")]),
        ]
        let faults = directory.take(bad.map { .init(former: nil, now: $0) }, routes: good + bad)
        #expect(Set(faults.map(\.route.name)) == Set(bad.map(\.name)))
    }
}
