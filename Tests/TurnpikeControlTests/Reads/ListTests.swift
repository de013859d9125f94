// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@testable import TurnpikeControl

@Suite struct ListTests {
    private func planeWithKeys(_ count: Int) async throws -> TestPlane {
        let test = try await TestPlane.start()
        try await test.seed()
        let keys = (0..<count).map { number -> JSON in
            [
                "kind": "apiKey", "tenant": "acme", "name": .string("k\(10_000 + number)"),
                "labels": ["parity": number % 2 == 0 ? "even" : "odd"],
                "spec": ["displayName": .string("d\(number % 10)"), "enabled": .bool(number % 5 != 0)],
            ]
        }
        try await test.apply(["resources": .array(keys)])
        return test
    }

    private func pages(of test: TestPlane, _ query: ListQuery) throws -> [[String]] {
        var query = query
        var pages: [[String]] = []
        repeat {
            let page = try test.plane.list(.apiKey, tenant: "acme", query)
            pages.append(page.resources.map(\.key.name))
            query.after = page.next
        } while query.after != nil
        return pages
    }

    @Test func `pages follow one another by name, and the last says so`() async throws {
        let test = try await planeWithKeys(25)
        let pages = try pages(of: test, ListQuery(limit: 10))
        #expect(pages.map(\.count) == [10, 10, 5])
        #expect(pages.flatMap(\.self) == (0..<25).map { "k\(10_000 + $0)" })
        #expect(try self.pages(of: test, ListQuery(limit: 25)).map(\.count) == [25])
    }

    @Test func `filters by label and field hold on every page`() async throws {
        let test = try await planeWithKeys(1200)
        #expect(
            try pages(of: test, ListQuery(labels: ["parity": "odd"], limit: 100)).map(\.count)
                == Array(repeating: 100, count: 6))
        let disabled = try pages(of: test, ListQuery(fields: [("enabled", "false")], limit: 100))
        #expect(disabled.flatMap(\.self).count == 240)
        let both = try pages(
            of: test, ListQuery(labels: ["parity": "even"], fields: [("displayName", "d4")], limit: 1000))
        #expect(both.flatMap(\.self).count == 120)
        // As many documents as one page makes lead to no end of the collection.
        #expect(ControlPlane.mostDocuments < 1200)
        #expect(try pages(of: test, ListQuery(fields: [("nope", "x")], limit: 10)) == [[], []])
    }

    @Test func `a page ends where filters have skipped many, and the next goes on from there`() async throws {
        let test = try await planeWithKeys(ControlPlane.mostExamined + 5)
        // Only the first and the last match.
        for name in ["k10000", "k\(10_000 + ControlPlane.mostExamined + 4)"] {
            try await test.write(.patch(.apiKey, tenant: "acme", name: name, patch: ["labels": ["mine": "yes"]]))
        }
        let found = try pages(of: test, ListQuery(labels: ["mine": "yes"], limit: 10))
        #expect(found == [["k10000"], ["k\(10_000 + ControlPlane.mostExamined + 4)"]])
        // Where nothing is left to look at, no page follows.
        try await test.apply([
            "deletes": .array(
                (0..<5).map {
                    let name = "k\(10_000 + ControlPlane.mostExamined + $0)"
                    return ["kind": "apiKey", "tenant": "acme", "name": .string(name)]
                })
        ])
        #expect(try pages(of: test, ListQuery(labels: ["mine": "yes"], limit: 10)) == [["k10000"]])
    }

    @Test func `fields, which cost more to look at, end a page sooner, labels first`() async throws {
        let count = 2 * ControlPlane.mostDocuments + 10
        let test = try await planeWithKeys(count)
        let last = "k\(10_000 + count - 1)"
        try await test.write(.patch(.apiKey, tenant: "acme", name: last, patch: ["displayName": "mine"]))
        let query = ListQuery(fields: [("displayName", "mine")], limit: 10)
        #expect(try pages(of: test, query) == [[], [], [last]])
        // Documents are made of what carries the label only.
        try await test.write(.patch(.apiKey, tenant: "acme", name: last, patch: ["labels": ["mine": "yes"]]))
        let both = ListQuery(labels: ["mine": "yes"], fields: [("displayName", "mine")], limit: 10)
        #expect(try pages(of: test, both) == [[last]])
    }

    @Test func `a bound token's lists go through what is its tenant's alone`() async throws {
        let test = try await TestPlane.start()
        for tenant in ["acme", "umbra"] { try await test.write(.create(.tenant, body: ["name": .string(tenant)])) }
        let count = ControlPlane.mostExamined + 5
        func operators(_ tenant: String, _ prefix: String) -> JSON {
            .array(
                (0..<count).map { number in
                    [
                        "kind": "operator", "name": .string("\(prefix)\(10_000 + number)"),
                        "spec": ["role": "viewer", "tenant": .string(tenant)],
                    ]
                })
        }
        // By name, one of each by turns.
        try await test.apply(["resources": operators("umbra", "x")])
        try await test.apply(["resources": operators("acme", "y")])
        _ = try await test.join("gw-1")
        let acme = Authority(role: .owner, tenant: "acme")
        func pages(_ kind: Kind, _ query: ListQuery) throws -> [[String]] {
            var (query, pages): (ListQuery, [[String]]) = (query, [])
            repeat {
                let page = try test.plane.list(kind, tenant: nil, query, for: acme)
                pages.append(page.resources.map(\.key.name))
                query.after = page.next
            } while query.after != nil
            return pages
        }
        let all = try pages(.operator, ListQuery(limit: 1000))
        #expect(
            all.map(\.count) == [1000, 1000, 1000, 1000, 5] && all.flatMap(\.self).allSatisfy { $0.hasPrefix("y") })
        // What is out of sight is not looked at, so that the page does not end because of it; what is in sight is.
        let last = "y\(10_000 + count - 1)"
        for name in ["y10000", last] {
            try await test.write(.patch(.operator, name: name, patch: ["labels": ["mine": "yes"]]))
        }
        let mine = ListQuery(labels: ["mine": "yes"], limit: 10)
        #expect(try pages(.operator, mine) == [["y10000"], [last]])
        try await test.write(.patch(.operator, name: "y10000", patch: ["tenant": "umbra"]))
        #expect(try pages(.operator, mine) == [[], [last]])

        #expect(try pages(.tenant, ListQuery()) == [["acme"]] && pages(.tenant, ListQuery(after: "acme")) == [[]])
        #expect(try pages(.tenant, mine) == [[]])
        #expect(try pages(.worker, ListQuery()) == [[]] && pages(.joinToken, mine) == [[]])
        let exported = try await test.plane.export(tenant: nil, kinds: [.tenant, .operator], labels: [:], for: acme)
        #expect(exported.resources.count == count && exported.resources.first?.key.name == "acme")
    }

    @Test func `a page can go on after a name that is gone`() async throws {
        let test = try await planeWithKeys(5)
        try await test.write(.delete(.apiKey, tenant: "acme", name: "k10002"))
        let page = try test.plane.list(.apiKey, tenant: "acme", ListQuery(after: "k10002", limit: 1))
        #expect(page.resources.map(\.key.name) == ["k10003"])
    }

    @Test func `an unknown tenant is named, an empty collection is empty`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let error = try await refusal { () throws(TurnpikeError) in
            try test.plane.list(.route, tenant: "nope", ListQuery())
        }
        #expect(error.detail == "There is no tenant 'nope'.")
        #expect(try test.plane.list(.quota, tenant: "acme", ListQuery()).resources.isEmpty)
    }
}
