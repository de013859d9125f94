// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Testing
import TurnpikeControl
import TurnpikeModel

/// How every kind is read.
@Suite struct ReadConventionTests {
    @Test(arguments: Kind.allCases)
    func `what is created is read as it was answered, by name and by id`(kind: Kind) async throws {
        try await TestServer.run(kind) { server, sample in
            let created = try await sample.create("new", on: server)
            #expect(created.status == 201, "\(created.text)")
            let read = try await server.send(.get, sample.member("new"))
            #expect(read.status == 200 && read.json["name"] == "new")
            let revision = read.json["revision"]?.integer ?? 0
            #expect(read[header: "ETag"] == "\"\(revision)\"" && read[header: "Turnpike-Revision"] == "\(revision)")
            let id = try #require(read.json["id"]?.string)
            #expect(id.hasPrefix(kind.idPrefix + "_"))
            #expect(try await server.send(.get, sample.member(id)).json == read.json)
            let location = try #require(created[header: "Location"])
            #expect(try await server.send(.get, location).json == read.json)
            guard kind.spec.isCreatedByClients else { return }
            #expect(location == sample.member("new") && created[header: "ETag"] == read[header: "ETag"])
            #expect(created[header: "Turnpike-Revision"] == "\(revision)")
            #expect(created.document(of: kind) == read.document(of: kind))
        }
    }

    @Test(arguments: Kind.allCases)
    func `304 where the client's copy is current, 200 where it is not`(kind: Kind) async throws {
        try await TestServer.run(kind) { server, sample in
            #expect(try await sample.create("new", on: server).status == 201)
            let tag = try #require(try await server.send(.get, sample.member("new"))[header: "ETag"])
            for tags in [tag, "W/\(tag)", "\"0\", \(tag)"] {
                let again = try await server.send(.get, sample.member("new"), headers: [.ifNoneMatch: tags])
                // Of those who act themselves the document says more than its revision.
                #expect(again.status == (sample.isLive ? 200 : 304) && again[header: "ETag"] == tag, "\(tags)")
            }
            let any = try await server.send(.get, sample.member("new"), headers: [.ifNoneMatch: "*"])
            #expect(any.status == 304 && any.text.isEmpty)
            let stale = try await server.send(.get, sample.member("new"), headers: [.ifNoneMatch: "\"0\""])
            #expect(stale.status == 200)
        }
    }

    @Test(arguments: Kind.allCases)
    func `HEAD, OPTIONS and what is not allowed are told on list and resource`(kind: Kind) async throws {
        try await TestServer.run(kind) { server, sample in
            #expect(try await sample.create("new", on: server).status == 201)
            let isCreated = kind.spec.isCreatedByClients
            // A worker is made by a POST as well, with a join token.
            for (path, allow, missing) in [
                (sample.collection, "GET, HEAD, OPTIONS, POST", HTTPRequest.Method.delete),
                (
                    sample.member("new"),
                    isCreated ? "DELETE, GET, HEAD, OPTIONS, PATCH, PUT" : "DELETE, GET, HEAD, OPTIONS",
                    .post
                ),
            ] {
                let options = try await server.send(.options, path)
                #expect(options.status == 204 && options[header: "Allow"] == allow, "\(path)")
                let refused = try await server.send(missing, path, sample.body())
                #expect(refused.status == 405 && refused.problem == "method-not-allowed", "\(path)")
                #expect(refused[header: "Allow"] == allow)
                let (get, head) = (try await server.send(.get, path), try await server.send(.head, path))
                #expect(head.status == 200 && head.text.isEmpty && get.status == 200, "\(path)")
                for name in ["ETag", "Content-Type", "Link", "Turnpike-Revision", "Content-Length"] {
                    #expect(head[header: name] == get[header: name], "\(path) \(name)")
                }
            }
        }
    }

    @Test(arguments: Kind.allCases)
    func `what is not there is 404, by name, by id and by another kind's id`(kind: Kind) async throws {
        try await TestServer.run(kind) { server, sample in
            let zeros = String(repeating: "0", count: 26)
            for name in ["nobody", "\(kind.idPrefix)_\(zeros)", "xyz_\(zeros)"] {
                for method in [HTTPRequest.Method.get, .delete] {
                    let answer = try await server.send(method, sample.member(name))
                    #expect(answer.status == 404 && answer.problem == "not-found", "\(method) \(name)")
                }
            }
        }
    }

    @Test(arguments: Kind.allCases)
    func `a request keeps its id, and a parameter that nobody knows is refused`(kind: Kind) async throws {
        try await TestServer.run(kind) { server, sample in
            #expect(try await sample.create("new", on: server).status == 201)
            let id = try #require(HTTPField.Name("X-Request-Id"))
            for path in [sample.collection, sample.member("new")] {
                let named = try await server.send(.get, path, headers: [id: "req-of-a-test"])
                #expect(named[header: "X-Request-Id"] == "req-of-a-test")
                let unknown = try await server.send(.get, path + "?colour=red")
                #expect(unknown.status == 400 && unknown.json["detail"]?.string?.contains("'colour'") == true)
                let late = try await server.send(.get, path + "?minRevision=x")
                #expect(late.status == 400)
            }
            let deletion = try await server.send(.delete, sample.member("new") + "?colour=red")
            #expect(deletion.status == 400)
        }
    }

    @Test(arguments: Kind.allCases)
    func `a read waits for the revision that it must see`(kind: Kind) async throws {
        try await TestServer.run(kind) { server, sample in
            #expect(try await sample.create("new", on: server).status == 201)
            for path in [sample.collection, sample.member("new")] {
                let next = server.control.revision + 1
                async let early = server.send(.get, path + "?minRevision=\(next)")
                await Task.yield()
                #expect(try await server.send(.post, "/v1/tenants", #"{"name":"t\#(next)"}"#).status == 201)
                let answer = try await early
                #expect(answer.status == 200 && answer[header: "Turnpike-Revision"] == "\(next)", "\(answer.text)")
            }
        }
    }
}
