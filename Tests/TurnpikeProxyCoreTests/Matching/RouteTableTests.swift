// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeProxyCore

@Suite struct RouteTableTests {
    @Test(arguments: [
        (PathPattern.exact("/v1/orders"), "/v1/orders", true), (.exact("/v1/orders"), "/v1/orders/", false),
        (.exact("/"), "/", true), (.exact("/caf\u{E9}"), "/caf%C3%A9", true), (.exact("/%7eu"), "/~u", true),
        (.prefix("/v1/orders"), "/v1/orders", true), (.prefix("/v1/orders"), "/v1/orders/7/x", true),
        (.prefix("/v1/orders"), "/v1/ordersX", false), (.prefix("/v1/orders"), "/v1", false),
        (.prefix("/v1/orders/"), "/v1/orders", false), (.prefix("/v1/orders/"), "/v1/orders/", true),
        (.prefix("/v1/orders/"), "/v1/orders/7", true), (.prefix("/"), "/", true), (.prefix("/"), "/a/b", true),
        (.template("/a/{x}"), "/a/b", true), (.template("/a/{x}"), "/a/", false), (.template("/a/{x}"), "/a", false),
        (.template("/a/{x}"), "/a/b/c", false), (.template("/a/{x}/"), "/a/b/", true),
        (.template("/a/{x}/"), "/a/b", false),
        (.template("/{x+}"), "/a/b/c", true), (.template("/{x+}"), "/a/", true), (.template("/{x+}"), "/", false),
        (.template("/a/{x+}/c"), "/a/b/c", true), (.template("/a/{x+}/c"), "/a/b/b/c", true),
        (.template("/a/{x+}/c"), "/a/c", false), (.template("/a/{x+}/c"), "/a/b/d", false),
        (.template("/a/{x+}/{y}/d"), "/a/1/2/d", true), (.template("/a/{x+}/{y}/d"), "/a/1/d", false),
        (.template("/{id}.json"), "/7.json", true), (.template("/{id}.json"), "/.json", false),
        (.template("/{id}.json"), "/7.xml", false), (.template("/v{n}/{id}:cancel"), "/v1/7:cancel", true),
        (.template("/a-{x}-b"), "/a-b", false), (.template("/a-{x}-b"), "/a-1-b", true),
        (.template("/@{x}/$reset"), "/@me/$reset", true), (.regex("/v[0-9]+/.*"), "/v12/x/y", true),
        (.regex("/v[0-9]+"), "/v12/x", false), (.regex("/x"), "/a/x", false),
    ])
    func `patterns match whole paths by whole segments`(pattern: PathPattern, path: String, matches: Bool) throws {
        let table = try RouteTable(RouteEntry(1, pattern))
        #expect(table.lookup("GET", "a.test", path) == (matches ? .route(1) : .notFound))
    }

    @Test(arguments: [
        ("api.acme.test", "api.acme.test", true), ("api.acme.test", "API.Acme.Test", true),
        ("API.acme.test", "api.acme.test", true), ("api.acme.test", "x.api.acme.test", false),
        ("*.acme.test", "api.acme.test", true), ("*.acme.test", "A.B.Acme.Test", true),
        ("*.acme.test", "acme.test", false),
        ("*.acme.test", ".acme.test", false), ("*.acme.test", "xacme.test", false), ("[::1]", "[::1]", true),
        ("127.0.0.1", "127.0.0.1", true),
    ])
    func `hosts match in any case, wildcards what is below`(pattern: String, host: String, matches: Bool) throws {
        let table = try RouteTable(RouteEntry(index: 3, hosts: [pattern], paths: [.prefix("/")]))
        #expect(table.lookup("GET", host, "/") == (matches ? .route(3) : .notFound))
    }

    /// Pairs that match the same request; the first must win over the second though its index is higher.
    @Test(arguments: [
        // Priority before all.
        (
            RouteEntry(index: 9, hosts: [], paths: [.regex(".*")], priority: 1),
            RouteEntry(1, .exact("/a/b"), methods: ["GET"])
        ),
        // Host before path.
        (
            RouteEntry(index: 9, hosts: ["x.a.test"], paths: [.regex(".*")]),
            RouteEntry(index: 1, hosts: ["*.a.test"], paths: [.exact("/a/b")])
        ),
        (
            RouteEntry(index: 9, hosts: ["*.a.test"], paths: [.prefix("/")]),
            RouteEntry(index: 1, hosts: ["*.test"], paths: [.exact("/a/b")])
        ),
        (RouteEntry(index: 9, hosts: ["*.test"], paths: [.prefix("/")]), RouteEntry(1, .exact("/a/b"))),
        // Kinds of path.
        (RouteEntry(9, .exact("/a/b")), RouteEntry(1, .template("/a/b"))),
        (RouteEntry(9, .template("/{x+}")), RouteEntry(1, .prefix("/a/b"))),
        (RouteEntry(9, .prefix("/")), RouteEntry(1, .regex("/a/b"))),
        // Templates from the left.
        (RouteEntry(9, .template("/a/{y}")), RouteEntry(1, .template("/{x}/b"))),
        (RouteEntry(9, .template("/a/{y}b")), RouteEntry(1, .template("/a/{y}"))),
        (RouteEntry(9, .template("/{x}/b")), RouteEntry(1, .template("/{x+}"))),
        (RouteEntry(9, .template("/{x+}/{y}")), RouteEntry(1, .template("/{x+}"))),
        (RouteEntry(9, .template("/{x+}/b")), RouteEntry(1, .template("/{x+}/{y}"))),
        // Prefixes by length.
        (RouteEntry(9, .prefix("/a/b")), RouteEntry(1, .prefix("/a"))),
        (RouteEntry(9, .prefix("/a/")), RouteEntry(1, .prefix("/a"))),
        // Path before method, method before index.
        (RouteEntry(9, .prefix("/a")), RouteEntry(1, .prefix("/"), methods: ["GET"])),
        (RouteEntry(9, .template("/{x}/b"), methods: ["GET"]), RouteEntry(1, .template("/{y}/b"))),
    ])
    func `the documented order decides`(winner: RouteEntry, loser: RouteEntry) throws {
        for entries in [[winner, loser], [loser, winner]] {
            let table = try RouteTable(entries, hashSeed: 1)
            let path = winner.paths[0] == .template("/a/{y}b") ? "/a/bb" : "/a/b"
            #expect(table.lookup("GET", "x.a.test", path) == .route(9))
            #expect(
                table.explain("GET", "x.a.test", path) == [
                    .init(index: 9, verdict: .selected), .init(index: 1, verdict: .precedence),
                ])
        }
    }

    @Test func `templates that differ in names only are one place`() throws {
        let table = try RouteTable(RouteEntry(2, .template("/a/{x}")), RouteEntry(1, .template("/a/{y}")))
        #expect(table.lookup("GET", "h", "/a/1") == .route(1))
    }

    @Test func `a more specific place without the method does not hide another route`() throws {
        let table = try RouteTable(
            RouteEntry(1, .exact("/a/b"), methods: ["POST"]), RouteEntry(2, .template("/a/{x}"), methods: ["PUT"]),
            RouteEntry(3, .prefix("/a"), methods: ["GET"])
        )
        #expect(table.lookup("GET", "h", "/a/b") == .route(3))
        #expect(table.lookup("PUT", "h", "/a/b") == .route(2))
        guard case .methodNotAllowed(let allowed) = table.lookup("DELETE", "h", "/a/b") else {
            Issue.record("DELETE should not be allowed")
            return
        }
        #expect(table.allowHeader(allowed) == "GET, HEAD, POST, PUT")
    }

    @Test func `methods of the table's own are told apart, and listed`() throws {
        let table = try RouteTable(
            RouteEntry(1, .exact("/"), methods: ["PURGE"]), RouteEntry(2, .exact("/"), methods: ["get"]))
        #expect(table.lookup("PURGE", "h", "/") == .route(1))
        #expect(table.lookup("get", "h", "/") == .route(2))
        guard case .methodNotAllowed(let allowed) = table.lookup("GET", "h", "/") else {
            Issue.record("GET should not be allowed")
            return
        }
        #expect(table.allowHeader(allowed) == "PURGE, get")
        #expect(table.lookup("BREW", "h", "/") == .methodNotAllowed(allowed))
    }

    @Test func `any number of methods can be named`() throws {
        let table = try RouteTable((0..<200).map { RouteEntry($0, .exact("/"), methods: ["M\($0)"]) }, hashSeed: 1)
        #expect((0..<200).allSatisfy { table.lookup("M\($0)", "h", "/") == .route($0) })
        guard case .methodNotAllowed(let allowed) = table.lookup("M200", "h", "/") else {
            Issue.record("M200 should not be allowed")
            return
        }
        #expect(table.allowHeader(allowed).split(separator: ", ").count == 200)
    }

    @Test(arguments: [
        // Other routes at the place, and which one takes HEAD.
        ([RouteEntry(1, .exact("/a"), methods: ["GET"])], 1),
        ([RouteEntry(1, .exact("/a"), methods: ["GET"]), RouteEntry(2, .exact("/a"), methods: ["HEAD"])], 2),
        ([RouteEntry(1, .exact("/a"), methods: ["GET"]), RouteEntry(2, .exact("/a"))], 2),
        (
            [
                RouteEntry(1, .exact("/a"), methods: ["GET"], priority: 1),
                RouteEntry(2, .exact("/a"), methods: ["HEAD"]),
            ], 1
        ),
        ([RouteEntry(1, .exact("/a"), methods: ["GET"]), RouteEntry(2, .prefix("/"))], 1),
        ([RouteEntry(1, .prefix("/"), methods: ["GET"]), RouteEntry(2, .exact("/a"), methods: ["POST"])], 1),
    ])
    func `HEAD is taken by routes for GET where none is its own`(entries: [RouteEntry], index: Int) throws {
        #expect(try RouteTable(entries, hashSeed: 1).lookup("HEAD", "h", "/a") == .route(index))
    }

    @Test func `an empty table and odd paths find nothing`() throws {
        let empty = try RouteTable([], hashSeed: 1)
        #expect(empty.lookup("GET", "h", "/") == .notFound)
        #expect(empty.explain("GET", "h", "/") == [])
        let all = try RouteTable(RouteEntry(1, .prefix("/")), RouteEntry(2, .regex(".*")))
        #expect(all.lookup("OPTIONS", "h", "*") == .notFound)
        #expect(all.lookup("GET", "h", "") == .notFound)
        #expect(all.lookup("GET", "", "/") == .route(1))
    }

    @Test func `the same request finds its route whatever the seed`() throws {
        let entries = (0..<300).map {
            RouteEntry(index: $0, hosts: ["h\($0 % 7).test"], paths: [.template("/s\($0)/{x}/t\($0)")])
        }
        for seed: UInt64 in [0, 1, .max] {
            let table = try RouteTable(entries, hashSeed: seed)
            for index in 0..<300 {
                #expect(table.lookup("GET", "H\(index % 7).test", "/s\(index)/q/t\(index)") == .route(index))
            }
        }
    }

    @Test func `explain says where each route lost`() throws {
        let table = try RouteTable(
            RouteEntry(index: 1, hosts: ["b.test"], paths: [.prefix("/")]),
            RouteEntry(index: 2, hosts: ["a.test"], paths: [.exact("/other")]),
            RouteEntry(index: 3, hosts: ["a.test"], paths: [.prefix("/x"), .exact("/y")], methods: ["POST"]),
            RouteEntry(index: 4, hosts: [], paths: [.regex("/.*")]),
            RouteEntry(index: 5, hosts: ["a.test"], paths: [.template("/{y}")], methods: ["GET"]),
            RouteEntry(index: 6, hosts: ["a.test"], paths: [.template("/{z}")], methods: ["GET"])
        )
        #expect(
            table.explain("GET", "a.test", "/x") == [
                .init(index: 5, verdict: .selected), .init(index: 6, verdict: .precedence),
                .init(index: 4, verdict: .precedence), .init(index: 3, verdict: .method),
                .init(index: 2, verdict: .path),
                .init(index: 1, verdict: .host),
            ])
    }
}
