// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeControl
import TurnpikeModel
import TurnpikeTestSupport

@Suite struct WritingTests {
    @Test func `a creation gets the next revision and is there for readers`() async throws {
        let test = try await TestPlane.start()
        let outcome = try await test.write(.create(.tenant, body: ["name": "acme", "labels": ["tier": "gold"]]))
        #expect(outcome.revision == 2)
        #expect(outcome.effect == .created)
        #expect(test.plane.revision == 2)
        let resource = try test.plane.resource(.tenant, tenant: nil, name: "acme")
        #expect(resource.revision == 2)
        #expect(resource.labels == ["tier": "gold"])
        #expect(resource.createdAt == test.clock.now)
        #expect(try test.plane.resource(.tenant, tenant: nil, name: resource.idText).key.name == "acme")
    }

    @Test func `a name that is taken is refused, in another tenant it is free`() async throws {
        let test = try await TestPlane.start()
        try await test.seed("acme")
        try await test.seed("globex", host: "api.globex.test")
        let error = try await refusal { () throws(TurnpikeError) in
            try await test.write(.create(.tenant, body: ["name": "acme"]))
        }
        #expect(error.code == .alreadyExists)
    }

    @Test func `an upsert creates, then replaces, keeping id and time of creation`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let before = try test.plane.resource(.service, tenant: "acme", name: "orders")
        test.clock.advance(by: .seconds(60))
        let outcome = try await test.write(
            .put(.service, tenant: "acme", name: "orders", body: Body.service(port: 9002)))
        let after = try #require(outcome.resource)
        #expect(outcome.effect == .updated)
        #expect(after.id == before.id)
        #expect(after.createdAt == before.createdAt)
        #expect(after.updatedAt == test.clock.now)
        #expect(after.revision == outcome.revision)
    }

    @Test func `an update that changes nothing makes no revision`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let revision = test.plane.revision
        let outcome = try await test.write(.put(.service, tenant: "acme", name: "orders", body: Body.service()))
        #expect(outcome.effect == nil)
        #expect(outcome.revision == revision)
        #expect(test.plane.revision == revision)
        #expect(outcome.resource?.key.name == "orders")
    }

    @Test func `a document that was read can be sent back`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let token = try #require(try await test.write(.create(.joinToken, body: ["kind": "gateway"])).resource)
        for resource in [try test.plane.resource(.route, tenant: "acme", name: "orders"), token] {
            let outcome = try await test.write(
                .put(
                    resource.key.kind, tenant: resource.key.tenant, name: resource.key.name,
                    body: resource.document(for: .people)))
            #expect(outcome.effect == nil)
        }
    }

    @Test func `a merge patch changes what it names`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let outcome = try await test.write(
            .patch(
                .service, tenant: "acme", name: "orders", patch: ["responseTimeout": "5s", "labels": ["a": "b"]]))
        let service = try #require(outcome.resource?.spec as? Service)
        #expect(service.responseTimeout == .seconds(5))
        #expect(service.endpoints.count == 1)
        #expect(outcome.resource?.labels == ["a": "b"])
        let removed = try await test.write(
            .patch(.service, tenant: "acme", name: "orders", patch: ["responseTimeout": .null]))
        #expect((removed.resource?.spec as? Service)?.responseTimeout == .seconds(30))
    }

    @Test func `a patch that makes the resource invalid names the field`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        for (patch, pointer) in [
            (["endpoints": .null], "/endpoints"), (["name": "other"], "/name"), (["nope": 1], "/nope"), (7, ""),
            (["endpoints": [["host": "a", "port": 1, "zone": .null]]], "/endpoints/0/zone"),
        ] as [(JSON, String)] {
            let error = try await refusal { () throws(TurnpikeError) in
                try await test.write(.patch(.service, tenant: "acme", name: "orders", patch: patch))
            }
            #expect(error.code == .invalidResource)
            #expect(error.pointers.contains(pointer))
        }
    }

    @Test func `a write for another revision than the present one is refused`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let revision = try test.plane.resource(.service, tenant: "acme", name: "orders").revision
        for command in [
            WriteCommand.put(
                .service, tenant: "acme", name: "orders", body: Body.service(port: 1), .revision(revision + 1)),
            .patch(.service, tenant: "acme", name: "orders", patch: [:], .revision(revision - 1)),
            .delete(.service, tenant: "acme", name: "orders", .revision(1)),
            .put(.service, tenant: "acme", name: "new", body: Body.service(), .revision(revision)),
        ] {
            let error = try await refusal { () throws(TurnpikeError) in try await test.write(command) }
            #expect(error.code == .preconditionFailed)
        }
        try await test.write(
            .put(.service, tenant: "acme", name: "orders", body: Body.service(port: 1), .revision(revision)))
    }

    @Test func `what is not there is named`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        for (command, detail) in [
            (.create(.service, tenant: "nope", body: Body.service()), "There is no tenant 'nope'."),
            (.create(.service, tenant: "nope", body: ["name": "x", "endpoints": []]), "There is no tenant 'nope'."),
            (.delete(.service, tenant: "acme", name: "nope"), "There is no service 'nope' in tenant 'acme'."),
            (.patch(.tenant, name: "nope", patch: [:]), "There is no tenant 'nope'."),
        ] as [(WriteCommand, String)] {
            let error = try await refusal { () throws(TurnpikeError) in try await test.write(command) }
            #expect(error.code == .notFound)
            #expect(error.detail == detail)
        }
    }

    @Test func `a dry run checks everything and stores nothing`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let revision = test.plane.revision
        let outcome = try await test.write(.create(.apiKey, tenant: "acme", body: ["name": "p"]), dryRun: true)
        #expect(outcome.effect == .created)
        #expect(outcome.revision == revision)
        #expect(outcome.secret == nil)
        #expect(test.plane.revision == revision)
        let error = try await refusal { () throws(TurnpikeError) in
            try await test.write(
                .put(.route, tenant: "acme", name: "x", body: Body.route(service: "nope")), dryRun: true)
        }
        #expect(error.code == .invalidResource)
    }

    @Test func `the log tells what changed, who did it and why`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let revision = try await test.write(.delete(.route, tenant: "acme", name: "orders")).revision
        let record = try await test.plane.record(revision)
        #expect(record.actor == "operator:bootstrap")
        #expect(record.reason == "test")
        #expect(record.requestID == "req-1")
        #expect(record.changes.map(\.effect) == [.deleted])
        let error = try await refusal { () throws(TurnpikeError) in try await test.plane.record(revision + 1) }
        #expect(error.code == .notFound)
    }

    @Test func `workers are not created by request, and their kind stays`() async throws {
        let test = try await TestPlane.start()
        let error = try await refusal { () throws(TurnpikeError) in
            try await test.write(.put(.worker, name: "gw-1", body: ["kind": "gateway"]))
        }
        #expect(error.code == .methodNotAllowed)
        let worker = try await test.join("gw-1")
        let outcome = try await test.write(.patch(.worker, name: "gw-1", patch: ["labels": ["zone": "a"]]))
        #expect(outcome.resource?.labels == ["zone": "a"])
        #expect((outcome.resource?.spec as? Worker)?.credentials == (worker.resource.spec as? Worker)?.credentials)
    }

    @Test func `only operators write`() async throws {
        let test = try await TestPlane.start()
        let worker = try await test.join()
        let context = WriteContext(principal: worker, requestID: "r")
        let error = try await refusal { () throws(TurnpikeError) in
            try await test.plane.write(.create(.tenant, body: ["name": "acme"]), context)
        }
        #expect(error.code == .forbidden)
    }

    @Test func `a tenant cannot have more limits than a route can name`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let policies = (0..<1024).map { number -> JSON in
            ["kind": "policy", "tenant": "acme", "name": .string("p\(number)"), "spec": Body.policy]
        }
        try await test.apply(["resources": .array(policies)])
        let error = try await refusal { () throws(TurnpikeError) in
            try await test.write(.put(.policy, tenant: "acme", name: "one-more", body: Body.policy))
        }
        #expect(error.code == .invalidResource)
    }
}
