// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeControl
import TurnpikeModel

@Suite struct ApplyTests {
    private func item(_ kind: String, _ tenant: String?, _ name: String, _ spec: JSON, labels: Labels = [:]) -> JSON {
        .object(
            JSONObject([
                "kind": .string(kind), "tenant": tenant.map { .string($0) }, "name": .string(name),
                "labels": labels.json,
                "spec": spec,
            ]))
    }

    private var shop: [JSON] {
        [
            item("route", "acme", "orders", Body.route()), item("apiKey", "acme", "p", [:]),
            item("service", "acme", "orders", Body.service()),
            item("tenant", nil, "acme", ["timeZone": "Europe/Berlin"]),
        ]
    }

    @Test func `a bundle becomes one revision, in whatever order it stands`() async throws {
        let test = try await TestPlane.start()
        let before = test.plane.revision
        let outcome = try await test.apply(["resources": .array(shop)])
        #expect(outcome.revision == before + 1)
        #expect(
            outcome.changes.map(\.key.description) == [
                "tenant acme", "service acme/orders", "route acme/orders", "apiKey acme/p",
            ])
        #expect(outcome.changes.allSatisfy { $0.effect == .created })
        #expect(outcome.changes.last?.secret?.hasPrefix("tp_live_") == true)
        #expect(try await test.plane.record(outcome.revision).changes.count == 4)
    }

    @Test func `applied again it changes nothing and makes no revision`() async throws {
        let test = try await TestPlane.start()
        let first = try await test.apply(["resources": .array(shop)])
        let again = try await test.apply(["resources": .array(shop), "deletes": [["kind": "tenant", "name": "gone"]]])
        #expect(again.revision == first.revision)
        #expect(again.changes.isEmpty)
        #expect(again.unchanged == 4)
        let updated = try await test.apply(["resources": [item("service", "acme", "orders", Body.service(port: 1))]])
        #expect(updated.changes.map(\.effect) == [.updated])
    }

    @Test func `every fault of every item comes at once, by its place in the bundle`() async throws {
        let bundle: JSON = [
            "resources": [
                item("service", "acme", "a", ["endpoints": []]),
                item("quota", "acme", "b", ["limit": -1, "period": "year"]),
                item("worker", nil, "gw", ["kind": "gateway"]), item("nope", nil, "x", [:]),
                item("tenant", "acme", "x", ["colour": 1]), item("service", "acme", "a", Body.service()),
                item("service", nil, "bad name!", Body.service()),
            ],
            "deletes": [["kind": "service", "tenant": "acme", "name": "a"], ["kind": "route", "name": "x"]],
            "prune": ["labels": [:]], "colour": 1,
        ]
        let error = try await refusal { () throws(TurnpikeError) in try Bundle(json: bundle) }
        #expect(
            Set(error.pointers) == [
                "/resources/0/spec/endpoints", "/resources/1/spec/limit", "/resources/1/spec/period",
                "/resources/2/kind",
                "/resources/3/kind", "/resources/4/tenant", "/resources/4/spec/colour", "/resources/5",
                "/resources/6/tenant", "/resources/6/name", "/deletes/0", "/deletes/1/tenant", "/prune/labels",
                "/colour",
            ])
    }

    @Test func `references, hosts and tenants are checked against the final state`() async throws {
        let test = try await TestPlane.start()
        try await test.seed("globex", host: "taken.test")
        let error = try await refusal { () throws(TurnpikeError) in
            try await test.apply([
                "resources": [
                    item("tenant", nil, "acme", ["timeZone": "Nowhere/At-all"]),
                    item("route", "acme", "a", Body.route(service: "nope")),
                    item("route", "acme", "b", Body.route(host: "taken.test", service: "nope")),
                    item("service", "hooli", "c", Body.service()),
                ]
            ])
        }
        #expect(error.code == .invalidResource)
        #expect(
            Set(error.pointers) == [
                "/resources/0/spec/timeZone", "/resources/1/spec/backends/0/service",
                "/resources/2/spec/backends/0/service",
                "/resources/2/spec/match/hosts/0", "/resources/3/tenant",
            ])
        #expect(try test.plane.list(.tenant, tenant: nil, ListQuery()).resources.count == 1)
    }

    @Test func `two tenants of one bundle cannot share a host, but one may take over from the other`() async throws {
        let test = try await TestPlane.start()
        try await test.seed("acme", host: "shared.test")
        try await test.seed("globex", host: "other.test")
        let taken = try await refusal { () throws(TurnpikeError) in
            try await test.apply(["resources": [item("route", "globex", "orders", Body.route(host: "shared.test"))]])
        }
        #expect(taken.code == .hostTaken)
        #expect(taken.pointers == ["/resources/0/spec/match/hosts/0"])
        try await test.apply([
            "resources": [item("route", "globex", "orders", Body.route(host: "shared.test"))],
            "deletes": [["kind": "route", "tenant": "acme", "name": "orders"]],
        ])
        let after = try await refusal { () throws(TurnpikeError) in
            try await test.write(.put(.route, tenant: "acme", name: "orders", body: Body.route(host: "shared.test")))
        }
        #expect(after.code == .hostTaken)
    }

    @Test func `a tenant can go with all that it has`() async throws {
        let test = try await TestPlane.start()
        try await test.apply(["resources": .array(shop)])
        let error = try await refusal { () throws(TurnpikeError) in
            try await test.apply([
                "deletes": [
                    ["kind": "tenant", "name": "acme"], ["kind": "route", "tenant": "acme", "name": "orders"],
                ]
            ])
        }
        #expect(error.code == .stillReferenced)
        #expect(error.pointers == ["/deletes/0"])
        let outcome = try await test.apply([
            "deletes": [
                ["kind": "tenant", "name": "acme"], ["kind": "route", "tenant": "acme", "name": "orders"],
                ["kind": "service", "tenant": "acme", "name": "orders"],
                ["kind": "apiKey", "tenant": "acme", "name": "p"],
            ]
        ])
        #expect(outcome.changes.map(\.key.kind) == [.apiKey, .route, .service, .tenant])
        #expect(outcome.changes.allSatisfy { $0.effect == .deleted })
    }

    @Test func `pruning deletes what carries the labels and is not in the bundle, of its kinds and tenants`()
        async throws
    {
        let test = try await TestPlane.start()
        try await test.seed("acme")
        try await test.seed("globex", host: "globex.test")
        let mine = ["by": "ci"]
        for (tenant, name, labels) in [
            ("acme", "old", mine), ("acme", "kept", mine), ("acme", "manual", [:]), ("globex", "old", mine),
        ] {
            var body = Body.route(host: "\(tenant).test", path: "/\(name)")
            if case .object(var object) = body {
                object["labels"] = labels.json
                body = .object(object)
            }
            try await test.write(.put(.route, tenant: tenant, name: name, body: body))
        }
        let outcome = try await test.apply([
            "resources": [item("route", "acme", "kept", Body.route(host: "acme.test", path: "/kept"), labels: mine)],
            "prune": ["labels": mine.json],
        ])
        #expect(outcome.changes.map(\.key.description) == ["route acme/old"])
        #expect(try test.plane.list(.route, tenant: "globex", ListQuery()).resources.count == 2)
        #expect(try test.plane.list(.service, tenant: "acme", ListQuery()).resources.count == 1)
    }

    @Test func `pruning reaches every kind of the tenants that the bundle names, the last of one too`() async throws {
        let test = try await TestPlane.start()
        let mine: Labels = ["by": "ci"]
        for (tenant, labels) in [("acme", mine), ("globex", [:])] {
            try await test.apply([
                "resources": [
                    item("tenant", nil, tenant, [:], labels: labels),
                    item("quota", tenant, "q", Body.quota(limit: 1), labels: mine),
                    item("quota", tenant, "manual", Body.quota(limit: 1)),
                    item("service", tenant, "s", Body.service(), labels: mine),
                ]
            ])
        }
        try await test.write(.create(.operator, body: ["name": "ops", "labels": mine.json]))
        // The last quota has gone from the files.
        let service = item("service", "acme", "s", Body.service(), labels: mine)
        let quota = try await test.apply(["resources": [service], "prune": ["labels": mine.json]])
        #expect(quota.changes.map(\.key.description) == ["quota acme/q"])
        // All has gone but the tenant itself. Of what has no tenant, only the bundle's kinds are pruned.
        let tenant = item("tenant", nil, "acme", [:], labels: mine)
        let rest = try await test.apply(["resources": [tenant], "prune": ["labels": mine.json]])
        #expect(rest.changes.map(\.key.description) == ["service acme/s"])
        #expect(try test.plane.list(.quota, tenant: "acme", ListQuery()).resources.map(\.key.name) == ["manual"])
        #expect(try test.plane.list(.quota, tenant: "globex", ListQuery()).resources.count == 2)
    }

    @Test func `a dry run tells the difference and stores nothing`() async throws {
        let test = try await TestPlane.start()
        let revision = test.plane.revision
        let outcome = try await test.apply(["resources": .array(shop)], dryRun: true)
        #expect(outcome.changes.count == 4)
        #expect(outcome.changes.allSatisfy { $0.secret == nil })
        #expect(outcome.revision == revision)
        #expect(test.plane.revision == revision)
    }

    @Test func `five thousand routes go in as one, and their cost does not grow with the square`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        func routes(_ range: Range<Int>) -> JSON {
            ["resources": .array(range.map { item("route", "acme", "r\($0)", Body.route(path: "/r\($0)")) })]
        }
        let small = try await ContinuousClock().measure { try await test.apply(routes(0..<500)) }
        let large = try await ContinuousClock().measure { try await test.apply(routes(500..<5500)) }
        #expect(try test.plane.list(.route, tenant: "acme", ListQuery(limit: 10_000)).resources.count == 5501)
        // Ten times the work; a quadratic step would make it a hundred times.
        #expect(large < small * 40)
    }
}
