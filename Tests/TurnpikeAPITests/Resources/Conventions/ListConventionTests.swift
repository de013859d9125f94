// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Testing
import TurnpikeControl
import TurnpikeModel

/// How every kind is listed.
@Suite struct ListConventionTests {
    /// Every name of a list, page by page, and how many pages there were. Between two pages, `meanwhile` happens.
    private func names(
        _ server: TestServer, from path: String, meanwhile: (Int) async throws -> Void = { _ in }
    ) async throws -> (names: [String], pages: Int) {
        var (names, pages, next) = ([String](), 0, Optional(path))
        while let path = next {
            let page = try await server.send(.get, path)
            #expect(page.status == 200, "\(page.text)")
            names += (page.json["data"]?.array ?? []).compactMap { $0["name"]?.string }
            next = page.json["next"]?.string
            #expect(page[header: "Link"] == next.map { "<\($0)>; rel=\"next\"" })
            pages += 1
            try await meanwhile(pages)
        }
        return (names, pages)
    }

    @Test(arguments: Kind.allCases)
    func `pages follow one another by name, whatever is written in between`(kind: Kind) async throws {
        try await TestServer.run(kind) { server, sample in
            for index in 0..<5 { #expect(try await sample.create("m\(index)", on: server).status == 201) }
            let before = try await names(server, from: sample.collection).names
            #expect(before == before.sorted() && Set(before).isSuperset(of: (0..<5).map { "m\($0)" }))
            let (seen, pages) = try await names(server, from: sample.collection + "?limit=2") { page in
                // Before the place where the reader stands: must not shift what follows.
                let early = try await sample.create("a\(page)", on: server)
                #expect(early.status == 201)
            }
            #expect(seen == before && pages == (before.count + 1) / 2)
            for limit in ["0", "1001", "x"] {
                #expect(try await server.send(.get, sample.collection + "?limit=\(limit)").status == 400, "\(limit)")
            }
        }
    }

    @Test(arguments: Kind.createdByClients)
    func `labels filter, alone and together, and a page's cursor keeps them`(kind: Kind) async throws {
        try await TestServer.run(kind) { server, sample in
            for index in 0..<4 {
                let labels = ["tier": index < 3 ? "gold" : "silver", "place": "\(index % 2)"]
                #expect(try await sample.create("m\(index)", labels: labels, on: server).status == 201)
            }
            let path = sample.collection + "?label=tier:gold"
            let gold = try await names(server, from: path + "&limit=2")
            #expect(gold.names == ["m0", "m1", "m2"] && gold.pages == 2)
            for (value, found) in [("1", ["m1"]), ("9", [])] {
                let names = try await names(server, from: path + "&label=place:\(value)").names
                #expect(names == found)
            }
            let twice = try await server.send(.get, path + "&label=tier:silver")
            #expect(twice.status == 400 && twice.problem == "invalid-parameter")
        }
    }

    @Test(arguments: Kind.allCases)
    func `fields filter, and what no document can have is refused`(kind: Kind) async throws {
        try await TestServer.run(kind) { server, sample in
            for name in ["m0", "m1"] { #expect(try await sample.create(name, on: server).status == 201) }
            let id = try await server.send(.get, sample.member("m1")).json["id"]?.string ?? ""
            for (query, found) in [("name=m1", ["m1"]), ("id=\(id)", ["m1"]), ("name=m1&revision=1", [])] {
                let names = try await names(server, from: sample.collection + "?\(query)").names
                #expect(names == found, "\(query)")
            }
            for query in ["labels=x", "colour=red", "name=m0&name=m1", "status=x"] {
                let refused = try await server.send(.get, sample.collection + "?\(query)")
                #expect(refused.status == 400 && refused.problem == "invalid-parameter", "\(query)")
            }
            // A page's own parameters are no filters, whatever fields a kind has.
            guard kind.spec.isCreatedByClients, !["labels", "limit"].contains(sample.change.field) else { return }
            #expect(try await server.send(.patch, sample.member("m1"), sample.patch).status == 200)
            let value = sample.change.value.string ?? sample.change.value.text
            let changed = try await names(server, from: sample.collection + "?\(sample.change.field)=\(value)").names
            #expect(changed == ["m1"])
        }
    }

    @Test(arguments: Kind.allCases)
    func `a cursor is good for its own list only`(kind: Kind) async throws {
        try await TestServer.run(kind) { server, sample in
            for name in ["m0", "m1"] { #expect(try await sample.create(name, on: server).status == 201) }
            let next = try #require(
                try await server.send(.get, sample.collection + "?limit=1").json["next"]?.string)
            let cursor = try #require(next.split(separator: "cursor=").last)
            let other = kind == .tenant ? "/v1/operators" : "/v1/tenants"
            for path in ["\(other)?cursor=\(cursor)", "\(sample.collection)?name=m0&cursor=\(cursor)"] {
                let answer = try await server.send(.get, path)
                #expect(answer.status == 400 && answer.problem == "invalid-cursor", "\(path)")
            }
        }
    }
}
