// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Testing
import TurnpikeControl
import TurnpikeModel
import TurnpikeTestSupport

/// The log, followed and audited.
@Suite struct LogTests {
    private func lines(_ answer: Answer) throws -> [JSON] {
        try answer.text.split(separator: "\n").map { try JSON.parse($0.utf8.map { $0 }) }
    }

    @Test func `changes come oldest first, from the revision asked for, by tenant and kind`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            #expect(try await server.send(.post, "/v1/tenants", #"{"name":"umbra"}"#).status == 201)
            let all = try lines(try await server.send(.get, "/v1/changes"))
            #expect(all.map { $0["revision"]?.integer } == [1, 2, 3, 4, 5])
            let late = try lines(try await server.send(.get, "/v1/changes?since=3"))
            #expect(late.map { $0["revision"]?.integer } == [4, 5])
            let acme = try lines(try await server.send(.get, "/v1/changes?tenant=acme"))
            #expect(acme.map { $0["changes"]?[0]?["kind"]?.string } == ["tenant", "service", "route"])
            let routes = try lines(try await server.send(.get, "/v1/changes?tenant=acme&kind=routes"))
            #expect(routes.map { $0["revision"]?.integer } == [4])
            #expect(try await server.send(.get, "/v1/changes?kind=nothing").status == 400)
            #expect(try await server.send(.get, "/v1/changes?since=x").status == 400)
        }
    }

    @Test(arguments: ["/v1/changes?since=1", "/v1/changes?since=1&watch=true", "/v1/audit?since=1"])
    func `410, before anything is sent, from where the log is no longer kept`(path: String) async throws {
        try await TestServer.run(retention: .seconds(86_400)) { server in
            try await server.seed()
            server.clock.advance(by: .seconds(2 * 86_400))
            #expect(try await server.send(.post, "/v1/tenants", #"{"name":"umbra"}"#).status == 201)
            await server.control.maintain()
            let answer = try await server.send(.get, path, headers: [.accept: "application/x-ndjson"])
            #expect(answer.status == 410 && answer.problem == "revision-gone", "\(answer.text)")
            let rest = try await server.send(.get, "/v1/changes?since=4")
            #expect(try lines(rest).map { $0["revision"]?.integer } == [5])
        }
    }

    @Test func `a watched feed brings what is written later`() async throws {
        try await TestServer.run { server in
            let feed = try server.control.changes(
                after: 1, tenant: nil, kind: nil, isWatching: true,
                for: Authority(of: server.control.authenticate(bearer: TestServer.token)))
            let arrived = Task {
                var position = feed.start
                guard case .records(let records) = try await feed.next(after: &position) else { return Revision(0) }
                return records[0].revision
            }
            await Task.yield()
            #expect(try await server.send(.post, "/v1/tenants", #"{"name":"acme"}"#).status == 201)
            #expect(try await arrived.value == 2)
        }
    }

    @Test func `a watched feed ends when the control plane shuts down`() async throws {
        try await TestServer.run { server in
            let feed = try server.control.changes(
                after: 1, tenant: nil, kind: nil, isWatching: true,
                for: Authority(of: server.control.authenticate(bearer: TestServer.token)))
            let end = Task {
                var position = feed.start
                return try await feed.next(after: &position) == nil
            }
            await Task.yield()
            await server.control.shutDown()
            #expect(try await end.value)
        }
    }

    @Test func `the audit tells who, when, why and what, newest first, page by page`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let reason = HTTPField.Name("X-Turnpike-Reason").map { [$0: "a bigger box"] as HTTPFields } ?? [:]
            let port = #"{"endpoints":[{"host":"127.0.0.1","port":9002}]}"#
            #expect(
                try await server.send(.patch, "/v1/tenants/acme/services/orders", port, headers: reason).status == 200)
            let first = try await server.send(.get, "/v1/audit?limit=1")
            let entry = first.json["data"]?[0]
            #expect(entry?["actor"]?.string == "operator:bootstrap" && entry?["reason"]?.string == "a bigger box")
            #expect(entry?["changes"]?[0]?["before"]?["endpoints"]?[0]?["port"]?.integer == 9001)
            #expect(entry?["changes"]?[0]?["after"]?["endpoints"]?[0]?["port"]?.integer == 9002)
            var seen = [entry?["revision"]?.integer]
            var next = first.json["next"]?.string
            #expect(first[header: "Link"] == next.map { "<\($0)>; rel=\"next\"" })
            while let path = next {
                let page = try await server.send(.get, path)
                seen += (page.json["data"]?.array ?? []).map { $0["revision"]?.integer }
                next = page.json["next"]?.string
            }
            #expect(seen == [5, 4, 3, 2, 1])
            let named = try await server.send(.get, "/v1/audit?name=orders&kind=route&actor=operator:bootstrap")
            #expect(named.json["data"]?.array?.count == 1)
            #expect(try await server.send(.get, "/v1/audit?actor=operator:nobody").json["data"]?.array?.isEmpty == true)
        }
    }

    @Test func `an entry that lacks changes says so, a whole one does not`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            let made = try await server.send(.post, "/v1/operators", #"{"name":"x","role":"viewer","tenant":"acme"}"#)
            let bound: HTTPFields = [.authorization: "Bearer \(made.json["token"]?.string ?? "")"]
            let whole: HTTPFields = [:]
            for (query, headers, isWhole) in [
                ("", whole, true), ("?since=2", whole, true), ("?tenant=acme", whole, false),
                ("?kind=route", whole, false), ("", bound, false),
            ] {
                var lined = headers
                lined[.accept] = "application/x-ndjson"
                let export = try lines(try await server.send(.get, "/v1/audit\(query)", headers: lined))
                let page = try await server.send(.get, "/v1/audit\(query)", headers: headers).json["data"]?.array ?? []
                #expect(!export.isEmpty && export.count == page.count)
                #expect((export + page).allSatisfy { $0["partial"]?.bool == (isWhole ? nil : true) }, "\(query)")
            }
        }
    }

    @Test func `the chain of an export vouches for every entry`() async throws {
        try await TestServer.run { server in
            try await server.seed()
            #expect(try await server.send(.post, "/v1/tenants/acme/api-keys", #"{"name":"k"}"#).status == 201)
            let export = try await server.send(.get, "/v1/audit", headers: [.accept: "application/x-ndjson"])
            #expect(!export.text.contains("tp_live_") || !export.text.contains(#""digest""#))
            let entries = try lines(export)
            var previous = LogChain.start
            for json in entries {
                let entry = try #require(LogChain.Entry(json: json))
                #expect(json["previousHash"]?.string == previous)
                #expect(json["hash"]?.string == LogChain.hash(of: entry, after: previous))
                previous = json["hash"]?.string ?? ""
            }
            var forged = try #require(LogChain.Entry(json: entries[2]))
            forged.actor = "operator:nobody"
            #expect(LogChain.hash(of: forged, after: entries[1]["hash"]?.string ?? "") != entries[2]["hash"]?.string)
        }
    }
}
