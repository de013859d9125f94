// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Testing
import TurnpikeControl
import TurnpikeModel

/// How every kind is written.
@Suite struct WriteConventionTests {
    private static let merge: HTTPFields = [.contentType: "application/merge-patch+json"]

    @Test(arguments: Kind.createdByClients)
    func `a name is taken once; put makes what is missing, and changes nothing when it says the same`(
        kind: Kind
    ) async throws {
        try await TestServer.run(kind) { server, sample in
            let made = try await server.send(.put, sample.member("new"), sample.body())
            #expect(made.status == 201 && made[header: "Location"] == sample.member("new"), "\(made.text)")
            let taken = try await server.send(.post, sample.collection, sample.body(name: "new"))
            #expect(taken.status == 409 && taken.problem == "already-exists", "\(taken.text)")
            // What was read may be sent back as it is.
            let read = try await server.send(.get, sample.member("new"))
            let revision = server.control.revision
            let again = try await server.send(.put, sample.member("new"), read.text)
            #expect(again.status == 200 && again[header: "ETag"] == read[header: "ETag"], "\(again.text)")
            #expect(server.control.revision == revision)
            let renamed = try await server.send(.put, sample.member("new"), sample.body(name: "other"))
            #expect(renamed.status == 422 && renamed.faults.contains("/name immutable"))
        }
    }

    @Test(arguments: Kind.createdByClients)
    func `a merge patch changes what it names and removes what it nulls`(kind: Kind) async throws {
        try await TestServer.run(kind) { server, sample in
            let created = try await sample.create("new", labels: ["tier": "gold", "place": "x"], on: server)
            #expect(created.status == 201)
            let fewer = try await server.send(
                .patch, sample.member("new"), #"{"labels":{"tier":null,"place":"y"}}"#, headers: Self.merge)
            #expect(fewer.status == 200 && fewer.json["labels"] == ["place": "y"], "\(fewer.text)")
            let none = try await server.send(.patch, sample.member("new"), #"{"labels":null}"#, headers: Self.merge)
            #expect(none.status == 200 && none.json["labels"] == .object(JSONObject()))
            let changed = try await server.send(.patch, sample.member("new"), sample.patch, headers: Self.merge)
            #expect(changed.status == 200 && changed.json[sample.change.field] == sample.change.value)
            #expect(changed[header: "ETag"] != none[header: "ETag"])
            let revision = server.control.revision
            let again = try await server.send(.patch, sample.member("new"), sample.patch, headers: Self.merge)
            #expect(again.status == 200 && again[header: "ETag"] == changed[header: "ETag"])
            #expect(server.control.revision == revision)
            let missing = try await server.send(.patch, sample.member("nobody"), sample.patch, headers: Self.merge)
            #expect(missing.status == 404)
        }
    }

    @Test(arguments: Kind.createdByClients)
    func `412 where somebody else was faster, and nothing is changed`(kind: Kind) async throws {
        try await TestServer.run(kind) { server, sample in
            let first = try #require(try await sample.create("new", on: server)[header: "ETag"])
            let second = try #require(
                try await server.send(.patch, sample.member("new"), sample.patch, headers: [.ifMatch: first])[
                    header: "ETag"])
            let revision = server.control.revision
            for (method, name, headers) in [
                (HTTPRequest.Method.put, "new", [.ifMatch: first]), (.patch, "new", [.ifMatch: first]),
                (.delete, "new", [.ifMatch: first]), (.put, "new", [.ifNoneMatch: "*"]),
                (.put, "new", [.ifMatch: "W/\(second)"]), (.put, "other", [.ifMatch: "*"]),
            ] as [(HTTPRequest.Method, String, HTTPFields)] {
                let body = method == .delete ? nil : sample.body()
                let late = try await server.send(method, sample.member(name), body, headers: headers)
                #expect(late.status == 412 && late.problem == "precondition-failed", "\(method) \(late.text)")
            }
            #expect(server.control.revision == revision)
            for headers in [[.ifMatch: second], [.ifNoneMatch: "*"]] as [HTTPFields] {
                let answer = try await server.send(.post, sample.collection, sample.body(name: "x"), headers: headers)
                #expect(answer.status == 400 && answer.problem == "invalid-parameter")
            }
            let made = try await server.send(
                .put, sample.member("other"), sample.body(), headers: [.ifNoneMatch: "*"])
            #expect(made.status == 201, "\(made.text)")
            let gone = try await server.send(.delete, sample.member("new"), headers: [.ifMatch: "\"1\", \(second)"])
            #expect(gone.status == 204)
        }
    }

    @Test(arguments: Kind.createdByClients)
    func `a write with a key is carried out once, and its answer repeated`(kind: Kind) async throws {
        try await TestServer.run(kind) { server, sample in
            let key = try #require(HTTPField.Name("Idempotency-Key"))
            let writes: [(HTTPRequest.Method, String, String?)] = [
                (.post, sample.collection, sample.body(name: "new")), (.put, sample.member("other"), sample.body()),
                (.patch, sample.member("new"), sample.patch), (.delete, sample.member("new"), nil),
            ]
            for (method, path, body) in writes {
                let headers: HTTPFields = [key: "key of \(method)"]
                let first = try await server.send(method, path, body, headers: headers)
                #expect(first.status < 300, "\(method) \(first.text)")
                let revision = server.control.revision
                let again = try await server.send(method, path, body, headers: headers)
                #expect(again.status == first.status && again.json == first.json, "\(method) \(again.text)")
                #expect(again[header: "Idempotency-Replayed"] == "true" && first[header: "Idempotency-Replayed"] == nil)
                #expect(again[header: "ETag"] == first[header: "ETag"] && server.control.revision == revision)
                let other = try await server.send(method, path + "x", body, headers: headers)
                #expect(other.status == 422 || other.status == 404, "\(method) \(other.text)")
            }
            let reused = try await server.send(
                .post, sample.collection, sample.body(name: "third"), headers: [key: "key of POST"])
            #expect(reused.status == 422 && reused.problem == "idempotency-key-reused")
        }
    }

    @Test(arguments: Kind.createdByClients)
    func `a dry run answers as the write would, and stores nothing`(kind: Kind) async throws {
        try await TestServer.run(kind) { server, sample in
            #expect(try await sample.create("new", on: server).status == 201)
            let revision = server.control.revision
            let before = try await server.send(.get, sample.member("new")).json
            for (method, path, body, status) in [
                (.post, sample.collection, sample.body(name: "dry"), 201),
                (.put, sample.member("dry"), sample.body(), 201),
                (.patch, sample.member("new"), sample.patch, 200), (.delete, sample.member("new"), nil, 200),
                (.post, sample.collection, sample.body(name: "new"), 409),
                (.patch, sample.member("new"), #"{"colour":"red"}"#, 422), (.delete, sample.member("nobody"), nil, 404),
            ] as [(HTTPRequest.Method, String, String?, Int)] {
                let answer = try await server.send(method, path + "?dryRun=true", body)
                #expect(answer.status == status, "\(method) \(answer.text)")
                #expect(server.control.revision == revision)
            }
            #expect(try await server.send(.get, sample.member("new")).json == before)
            #expect(try await server.send(.get, sample.member("dry")).status == 404)
        }
    }

    @Test(arguments: Kind.createdByClients)
    func `a body is refused by its type, its size, its syntax and its fields`(kind: Kind) async throws {
        try await TestServer.run(kind) { server, sample in
            #expect(try await sample.create("new", on: server).status == 201)
            let revision = server.control.revision
            let huge = #"{"labels":{"x":""# + String(repeating: "x", count: 1 << 20) + #""}}"#
            for (method, path) in [
                (HTTPRequest.Method.post, sample.collection), (.put, sample.member("new")),
                (.patch, sample.member("new")),
            ] {
                let typed = try await server.send(method, path, sample.body(), headers: [.contentType: "text/plain"])
                #expect(typed.status == 415 && typed.problem == "unsupported-media-type", "\(method)")
                let large = try await server.send(method, path, huge)
                #expect(large.status == 413 && large.problem == "body-too-large", "\(method)")
                let broken = try await server.send(method, path, "{")
                #expect(broken.status == 400 && broken.problem == "invalid-json", "\(method)")
                let body = sample.body(
                    name: method == .post ? "two" : nil, and: ["colour": "red", "labels": ["-": "x"]])
                let wrong = try await server.send(method, path, body)
                #expect(wrong.status == 422 && wrong.problem == "invalid-resource", "\(method)")
                #expect(wrong.faults == ["/colour unknown", "/labels/- format"], "\(method) \(wrong.faults)")
            }
            #expect(server.control.revision == revision)
        }
    }

    @Test(arguments: Kind.allCases)
    func `a write can wait for its rollout, tells why it was made, and deletes but once`(kind: Kind) async throws {
        try await TestServer.run(kind) { server, sample in
            #expect(try await sample.create("new", on: server).status == 201)
            let reason = try #require(HTTPField.Name("X-Turnpike-Reason"))
            let gone = try await server.send(
                .delete, sample.member("new") + "?wait=applied&timeout=1s", headers: [reason: "no longer needed"])
            #expect(gone.status == 200 && gone.json["rollout"]?["revision"]?.integer == server.control.revision)
            let entry = try await server.send(.get, "/v1/audit?limit=1&kind=\(kind.rawValue)").json["data"]?[0]
            #expect(entry?["reason"] == "no longer needed" && entry?["changes"]?[0]?["effect"] == "deleted")
            #expect(entry?["changes"]?[0]?["name"] == "new")
            #expect(try await server.send(.get, sample.member("new")).status == 404)
            #expect(try await server.send(.delete, sample.member("new")).status == 404)
        }
    }
}
