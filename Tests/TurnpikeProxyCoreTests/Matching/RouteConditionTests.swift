// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@testable import TurnpikeProxyCore

/// Routes at one place that differ in their conditions.
@Suite struct RouteConditionTests {
    private func header(_ name: String, _ rule: ValueMatch.Rule) -> ConditionExpression {
        ValueMatch(name: name, rule: rule).expression(at: .header)
    }

    @Test func `a route whose conditions fail gives way to the next`() throws {
        let table = try RouteTable(
            RouteEntry(1, .prefix("/v1")), RouteEntry(2, .prefix("/v1"), conditions: [header("x-v", .exact("2"))]),
            RouteEntry(
                3, .prefix("/v1"), conditions: [header("x-v", .exact("2")), header("x-beta", .present(true))]),
            RouteEntry(4, .exact("/v1/a"), methods: ["GET"], conditions: [header("x-v", .prefix("9"))])
        )
        for (fields, expected) in [
            ([], 1), ([("X-V", "2")], 2), ([("x-v", "2"), ("x-beta", "")], 3), ([("x-v", "3")], 1),
            ([("x-v", "91")], 4),
        ] as [([(name: String, value: String)], Int)] {
            let request = TestRequest(path: "/v1/a", fields: fields)
            #expect(try request.withFacts { table.lookup($0) } == .route(expected), "\(fields)")
        }
    }

    @Test(arguments: [
        // Priority, host and path before conditions; conditions before methods and the index.
        (RouteEntry(9, .prefix("/"), priority: 1), RouteEntry(1, .exact("/a"), conditions: [.holds])),
        (RouteEntry(9, .exact("/a")), RouteEntry(1, .prefix("/"), conditions: [.holds])),
        (RouteEntry(9, .exact("/a"), conditions: [.holds]), RouteEntry(1, .exact("/a"), methods: ["GET"])),
        (RouteEntry(9, .regex("/a"), conditions: [.holds]), RouteEntry(1, .regex("/.*"))),
        (RouteEntry(9, .exact("/a"), conditions: [.holds, .holds]), RouteEntry(1, .exact("/a"), conditions: [.holds])),
    ])
    func `of two that hold the documented order decides`(winner: RouteEntry, loser: RouteEntry) throws {
        for entries in [[winner, loser], [loser, winner]] {
            let table = try RouteTable(entries, hashSeed: 1)
            #expect(try TestRequest(path: "/a").withFacts { table.lookup($0) } == .route(9))
        }
    }

    @Test func `HEAD is taken by a route for GET that has more conditions`() throws {
        let table = try RouteTable(
            RouteEntry(1, .exact("/a")), RouteEntry(2, .exact("/a"), methods: ["GET"], conditions: [.holds]))
        #expect(try TestRequest(method: "HEAD", path: "/a").withFacts { table.lookup($0) } == .route(2))
    }

    @Test func `no route is found where a condition is in the way, and 405 is for methods alone`() throws {
        let table = try RouteTable(
            RouteEntry(1, .exact("/a"), methods: ["GET"], conditions: [header("x-v", .exact("2"))]),
            RouteEntry(2, .exact("/a"), methods: ["PUT"]))
        #expect(try TestRequest(path: "/a").withFacts { table.lookup($0) } == .notFound)
        guard case .methodNotAllowed(let allowed) = table.lookup("POST", "h", "/a") else {
            Issue.record("POST should not be allowed")
            return
        }
        #expect(table.allowHeader(allowed) == "GET, HEAD, PUT")
    }

    @Test func `explain names the test that failed`() throws {
        let condition = try Condition("query('beta') == 'true' && !(path startsWith '/v1/x')").expression
        let table = try RouteTable(
            RouteEntry(1, .prefix("/v1")), RouteEntry(2, .prefix("/v1"), conditions: [header("x-v", .exact("2"))]),
            RouteEntry(3, .prefix("/v1"), methods: ["PUT"], conditions: [header("x-v", .exact("2"))]),
            RouteEntry(4, .prefix("/v1"), conditions: [condition]))
        let candidates = try TestRequest(path: "/v1/x", query: "beta=true").withFacts { table.explain($0) }
        #expect(
            candidates == [
                .init(index: 1, verdict: .selected),
                .init(
                    index: 2,
                    verdict: .condition(.init(test: ConditionTest(.header("x-v"), .equals("2")), held: false))),
                .init(
                    index: 4, verdict: .condition(.init(test: ConditionTest(.path, .startsWith("/v1/x")), held: true))),
                .init(index: 3, verdict: .method),
            ])
        guard case .condition(let failure) = candidates[1].verdict else { return }
        #expect(failure.test.sentence(holds: failure.held) == "the header x-v is not '2'")
    }

    @Test(
        arguments: [
            (ValueMatch.Rule.exact("a"), nil, false), (.exact("a"), "a", true), (.exact("a"), "A", false),
            (.prefix("a"), "ab", true), (.prefix("a"), "ba", false), (.regex("[ab]*"), nil, false),
            (.regex("[ab]*"), "", true),
            (.regex("[ab]*"), "abc", false), (.present(true), nil, false), (.present(true), "", true),
            (.present(false), nil, true), (.present(false), "x", false),
        ] as [(ValueMatch.Rule, String?, Bool)])
    func `each rule holds for what it says, and of what is absent only for absence`(
        rule: ValueMatch.Rule, value: String?, expected: Bool
    ) throws {
        for place in [ValueMatch.Place.header, .query] {
            let condition = ValueMatch(name: "x", rule: rule).expression(at: place)
            let table = try RouteTable(RouteEntry(1, .exact("/"), conditions: [condition]))
            let request =
                place == .header
                ? TestRequest(fields: value.map { [("X", $0)] } ?? []) : TestRequest(query: value.map { "x=\($0)" })
            #expect(try request.withFacts { table.lookup($0) } == (expected ? .route(1) : .notFound))
        }
    }

    // MARK: - Cost

    /// Counts the routes that a search comes to.
    private struct Counting: PlaceVisitor {
        var choice: Choice
        var candidates = 0

        func wants(_ maxPriority: Int) -> Bool { choice.wants(maxPriority) }
        mutating func visit(_ terminal: Int, of request: RequestFacts, in table: RouteTable) {
            candidates += table.terminals[terminal].candidates.count
            choice.visit(terminal, of: request, in: table)
        }
    }

    @Test func `the routes that a request is held against do not grow with the table`() throws {
        func visited(routes: Int) throws -> Int {
            let entries = (0..<routes).flatMap { number in
                [
                    RouteEntry(2 * number, .template("/s\(number)/{id}")),
                    RouteEntry(
                        2 * number + 1, .template("/s\(number)/{id}"), conditions: [header("x-v", .exact("\(number)"))]),
                ]
            }
            let table = try RouteTable(entries, hashSeed: 1)
            return try TestRequest(path: "/s3/7", fields: [("x-v", "3")]).withFacts { facts in
                var visitor = Counting(choice: Choice(facts.method))
                table.search(for: facts, visitor: &visitor)
                #expect(visitor.choice.best.map { table.candidates[$0].index } == 7)
                return visitor.candidates
            }
        }
        let few = try visited(routes: 10)
        #expect(few == 2)
        #expect(try visited(routes: 10_000) == few)
    }

    /// Counts what a search asks about: nodes, and regexes before they are tried.
    private struct Asking: PlaceVisitor {
        final class Tally { var count = 0 }

        var choice: Choice
        let tally = Tally()

        func wants(_ maxPriority: Int) -> Bool {
            tally.count += 1
            return choice.wants(maxPriority)
        }
        mutating func visit(_ terminal: Int, of request: RequestFacts, in table: RouteTable) {
            choice.visit(terminal, of: request, in: table)
        }
    }

    @Test func `regexes that begin with other segments cost a request nothing`() throws {
        func asked(routes: Int) throws -> Int {
            let entries = (0..<routes).map { RouteEntry($0, .regex("/api/s\($0)/v[0-9]+(/.*)?")) }
            let table = try RouteTable(entries + [RouteEntry(routes, .regex("/api/.*"))], hashSeed: 1)
            return try TestRequest(path: "/api/s3/v7/x").withFacts { facts in
                var visitor = Asking(choice: Choice(facts.method))
                table.search(for: facts, visitor: &visitor)
                #expect(visitor.choice.best.map { table.candidates[$0].index } == 3)
                return visitor.tally.count
            }
        }
        #expect(try asked(routes: 2_000) == asked(routes: 10))
    }
}

extension ConditionExpression {
    /// Of every request of these tests.
    fileprivate static let holds = ConditionExpression.test(ConditionTest(.host, .startsWith("a")))
}
