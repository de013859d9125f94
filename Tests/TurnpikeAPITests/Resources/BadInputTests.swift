// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Testing
import TurnpikeControl
import TurnpikeModel
import TurnpikeTestSupport

/// One bad request and the exact refusal that it must get.
struct BadRequest: CustomTestStringConvertible, Sendable {
    var what: String
    var method = HTTPRequest.Method.post
    var path: String
    var body: String?
    var headers: HTTPFields = [:]
    var status: Int
    var problem: String
    var faults: Set<String> = []

    var testDescription: String { what }
}

private let merge = HTTPFields([HTTPField(name: .contentType, value: "application/merge-patch+json")])
private let tooDeep = String(repeating: "[", count: 1000)

private let badRequests: [BadRequest] = [
    BadRequest(what: "a broken body", path: "/v1/tenants", body: "{\"name\":", status: 400, problem: "invalid-json"),
    BadRequest(what: "an empty body", path: "/v1/tenants", body: "", status: 400, problem: "invalid-json"),
    BadRequest(
        what: "a member named twice", path: "/v1/tenants", body: #"{"name":"a","name":"b"}"#, status: 400,
        problem: "invalid-json"),
    BadRequest(what: "deep nesting", path: "/v1/tenants", body: tooDeep, status: 400, problem: "invalid-json"),
    BadRequest(
        what: "an array for a resource", path: "/v1/tenants", body: "[]", status: 422, problem: "invalid-resource",
        faults: [" type", "/name required"]),
    BadRequest(
        what: "an unknown field", path: "/v1/tenants", body: #"{"name":"x","colour":"red"}"#, status: 422,
        problem: "invalid-resource", faults: ["/colour unknown"]),
    BadRequest(
        what: "a wrong type", path: "/v1/tenants/acme/services", body: #"{"name":"s","endpoints":"x"}"#, status: 422,
        problem: "invalid-resource", faults: ["/endpoints type"]),
    BadRequest(
        what: "every fault at once", path: "/v1/tenants/acme/quotas", body: #"{"name":"q","limit":-1,"period":"eon"}"#,
        status: 422, problem: "invalid-resource", faults: ["/limit range", "/period choice"]),
    BadRequest(
        what: "a time zone that is none", path: "/v1/tenants", body: #"{"name":"x","timeZone":"Mars/Base"}"#,
        status: 422, problem: "invalid-resource", faults: ["/timeZone choice"]),
    BadRequest(
        what: "references to nothing", path: "/v1/tenants/acme/routes",
        body:
            #"{"name":"r","match":{"hosts":["a.test"],"paths":[{"exact":"/"}]},"backends":[{"service":"orders"},{"service":"no-1"},{"service":"no-2"}]}"#,
        status: 422, problem: "invalid-resource",
        faults: ["/backends/1/service reference", "/backends/2/service reference"]),
    BadRequest(
        what: "a duplicate name", path: "/v1/tenants", body: #"{"name":"acme"}"#, status: 409, problem: "already-exists"
    ),
    BadRequest(
        what: "a huge body", path: "/v1/tenants",
        body: #"{"name":"x","displayName":""# + String(repeating: "x", count: 1 << 20) + #""}"#, status: 413,
        problem: "body-too-large"),
    BadRequest(
        what: "a body that is no JSON by its type", path: "/v1/tenants", body: "{}",
        headers: [.contentType: "text/plain"], status: 415, problem: "unsupported-media-type"),
    BadRequest(
        what: "no token", method: .get, path: "/v1/tenants", headers: [.authorization: "Basic eDp5"], status: 401,
        problem: "unauthenticated"),
    BadRequest(
        what: "a bad token", method: .get, path: "/v1/tenants", headers: [.authorization: "Bearer tp_op_nonsense"],
        status: 401, problem: "unauthenticated"),
    BadRequest(
        what: "a bad cursor", method: .get, path: "/v1/tenants?cursor=%21%21", status: 400, problem: "invalid-cursor"),
    BadRequest(
        what: "a limit out of range", method: .get, path: "/v1/tenants?limit=1001", status: 400,
        problem: "invalid-parameter"),
    BadRequest(
        what: "an unknown parameter", path: "/v1/tenants?force=true", body: #"{"name":"x"}"#, status: 400,
        problem: "invalid-parameter"),
    BadRequest(
        what: "a wait for something else", path: "/v1/tenants?wait=forever", body: #"{"name":"x"}"#, status: 400,
        problem: "invalid-parameter"),
    BadRequest(
        what: "a changed name", method: .put, path: "/v1/tenants/acme", body: #"{"name":"other"}"#, status: 422,
        problem: "invalid-resource", faults: ["/name immutable"]),
    BadRequest(
        what: "another tenant than the path's", method: .put, path: "/v1/tenants/acme/services/orders",
        body: #"{"tenant":"umbra","endpoints":[{"host":"10.0.0.1","port":80}]}"#, status: 422,
        problem: "invalid-resource", faults: ["/tenant immutable"]),
    BadRequest(
        what: "a patch into another tenant", method: .patch, path: "/v1/tenants/acme/services/orders",
        body: #"{"tenant":"umbra"}"#, headers: merge, status: 422, problem: "invalid-resource",
        faults: ["/tenant immutable"]),
    BadRequest(
        what: "a new resource of another tenant", path: "/v1/tenants/acme/api-keys",
        body: #"{"name":"k","tenant":"umbra"}"#, status: 422, problem: "invalid-resource",
        faults: ["/tenant immutable"]),
    BadRequest(
        what: "a patch that breaks the rules", method: .patch, path: "/v1/tenants/acme/services/orders",
        body: #"{"endpoints":[]}"#, headers: merge, status: 422, problem: "invalid-resource",
        faults: ["/endpoints length"]),
    BadRequest(
        what: "a worker made by hand", method: .put, path: "/v1/workers/w", body: #"{"kind":"gateway"}"#, status: 405,
        problem: "method-not-allowed"),
    BadRequest(
        what: "an operator joining as a worker", path: "/v1/workers", body: #"{"kind":"gateway"}"#, status: 403,
        problem: "forbidden"),
    BadRequest(
        what: "faults deep in a bundle", path: "/v1/apply",
        body:
            #"{"resources":[{"kind":"tenant","name":"t9"},{"kind":"quota","tenant":"t9","name":"q","spec":{"limit":"x","period":"day"}},{"kind":"dance","name":"d"}]}"#,
        status: 422, problem: "invalid-resource", faults: ["/resources/1/spec/limit type", "/resources/2/kind choice"]),
    BadRequest(
        what: "a revision that is not there", method: .get, path: "/v1/revisions/999999", status: 404,
        problem: "not-found"),
    BadRequest(
        what: "the greatest revision of all", method: .get, path: "/v1/revisions/9223372036854775807", status: 404,
        problem: "not-found"),
    BadRequest(
        what: "to begin after the greatest revision of all", method: .get,
        path: "/v1/changes?since=9223372036854775807",
        status: 400, problem: "invalid-parameter"),
    BadRequest(
        what: "a wait for a dry run", path: "/v1/tenants?dryRun=true&wait=applied", body: #"{"name":"x"}"#, status: 400,
        problem: "invalid-parameter"),
    BadRequest(
        what: "a bucket that is none", method: .get, path: "/v1/tenants/acme/usage?bucket=eon", status: 400,
        problem: "invalid-parameter"),
    BadRequest(
        what: "a parameter that stands twice", method: .get, path: "/v1/tenants?limit=5&limit=5", status: 400,
        problem: "invalid-parameter"),
    BadRequest(
        what: "a filter that stands twice", method: .get, path: "/v1/tenants?name=acme&name=umbra", status: 400,
        problem: "invalid-parameter"),
    BadRequest(
        what: "a flag that says both", path: "/v1/tenants?dryRun=true&dryRun=false", body: #"{"name":"x"}"#,
        status: 400,
        problem: "invalid-parameter"),
    BadRequest(
        what: "two values of one label", method: .get, path: "/v1/tenants?label=tier:gold&label=tier:silver",
        status: 400,
        problem: "invalid-parameter"),
    BadRequest(
        what: "two values of one label in an export", method: .get,
        path: "/v1/export?label=tier:gold&label=tier:silver",
        status: 400, problem: "invalid-parameter"),
    BadRequest(
        what: "a label whose key none can have", method: .get, path: "/v1/tenants?label=:gold", status: 400,
        problem: "invalid-parameter"),
    BadRequest(
        what: "a filter by a list", method: .get, path: "/v1/tenants/acme/services?endpoints=x", status: 400,
        problem: "invalid-parameter"),
    BadRequest(
        what: "a filter by an object", method: .get, path: "/v1/tenants/acme/routes?match=x", status: 400,
        problem: "invalid-parameter"),
    BadRequest(
        what: "a creation if something matches", path: "/v1/tenants", body: #"{"name":"x"}"#,
        headers: [.ifMatch: "\"1\""],
        status: 400, problem: "invalid-parameter"),
    BadRequest(
        what: "a creation if nothing is there", path: "/v1/tenants", body: #"{"name":"x"}"#,
        headers: [.ifNoneMatch: "*"],
        status: 400, problem: "invalid-parameter"),
    BadRequest(
        what: "a bundle if something matches", path: "/v1/apply",
        body: #"{"resources":[{"kind":"tenant","name":"x"}]}"#,
        headers: [.ifMatch: "*"], status: 400, problem: "invalid-parameter"),
    BadRequest(
        what: "a revert if something matches", path: "/v1/revisions/4/revert", headers: [.ifMatch: "\"4\""],
        status: 400,
        problem: "invalid-parameter"),
    BadRequest(
        what: "a time that is none", method: .get, path: "/v1/tenants/acme/usage?from=yesterday", status: 400,
        problem: "invalid-parameter"),
]

@Suite struct BadInputTests {
    @Test(arguments: badRequests)
    func `bad input gets its clear error and changes nothing`(bad: BadRequest) async throws {
        try await TestServer.run { server in
            try await server.seed()
            let revision = server.control.revision
            let answer = try await server.send(bad.method, bad.path, bad.body, headers: bad.headers)
            #expect(answer.status == bad.status && answer.problem == bad.problem, "\(answer.status) \(answer.text)")
            #expect(answer.faults == bad.faults, "\(answer.text)")
            #expect(answer[header: "Content-Type"] == "application/problem+json")
            #expect(answer.json["requestId"]?.string == answer[header: "X-Request-Id"])
            #expect(answer.json["status"] == .integer(Int64(bad.status)))
            if bad.status == 401 { #expect(answer[header: "WWW-Authenticate"] == "Bearer") }
            #expect(server.control.revision == revision)
        }
    }

    @Test(arguments: [
        ("limit=5&limit=6", "'limit'"), ("name=acme&name=umbra", "'name'"), ("label=a:1&label=a:2", "'a'"),
        ("colour=red", "'colour'"), ("labels=x", "'labels'"),
    ])
    func `a refused parameter is named`(query: String, name: String) async throws {
        try await TestServer.run { server in
            let answer = try await server.send(.get, "/v1/tenants?\(query)")
            #expect(answer.status == 400 && answer.json["detail"]?.string?.contains(name) == true, "\(answer.text)")
        }
    }

    @Test func `labels of several keys go together, and one may be said twice`() async throws {
        try await TestServer.run { server in
            for (name, tier) in [("a", "gold"), ("b", "silver")] {
                let body = #"{"name":"\#(name)","labels":{"tier":"\#(tier)","at":"12:30"}}"#
                #expect(try await server.send(.post, "/v1/tenants", body).status == 201)
            }
            for query in ["label=tier:gold&label=at:12:30", "label=tier:gold&label=tier:gold"] {
                let answer = try await server.send(.get, "/v1/tenants?\(query)")
                #expect(answer.json["data"]?.array?.map { $0["name"]?.string } == ["a"], "\(query)")
            }
        }
    }

    @Test func `a cursor of another list is refused`() async throws {
        try await TestServer.run { server in
            for index in 0..<3 { _ = try await server.send(.post, "/v1/tenants", #"{"name":"t\#(index)"}"#) }
            let next = try #require(try await server.send(.get, "/v1/tenants?limit=1").json["next"]?.string)
            let cursor = try #require(next.split(separator: "cursor=").last)
            let answer = try await server.send(.get, "/v1/operators?cursor=\(cursor)")
            #expect(answer.status == 400 && answer.problem == "invalid-cursor")
        }
    }

    @Test func `an unsafe request id is replaced, a safe one kept`() async throws {
        try await TestServer.run { server in
            let name = try #require(HTTPField.Name("X-Request-Id"))
            let kept = try await server.send(.get, "/v1/tenants", headers: [name: "abc-1"])
            #expect(kept[header: "X-Request-Id"] == "abc-1")
            let replaced = try await server.send(.get, "/v1/tenants", headers: [name: "a b\"c"])
            #expect(replaced[header: "X-Request-Id"]?.hasPrefix("req_") == true)
        }
    }
}
