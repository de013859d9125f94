// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct GroupCommitTests {
    @Test func `a hundred writers get revisions without a gap, and those who fail fail alone`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let first = test.plane.revision
        let revisions = await withTaskGroup(of: Revision?.self) { group in
            for number in 0..<100 {
                group.addTask {
                    // Every fourth refers to nothing.
                    let service = number % 4 == 3 ? "nope" : "orders"
                    let body = Body.route(path: "/\(number)", service: service)
                    return try? await test.write(.put(.route, tenant: "acme", name: "r\(number)", body: body)).revision
                }
            }
            return await group.reduce(into: [Revision?]()) { $0.append($1) }
        }
        #expect(revisions.compactMap(\.self).sorted() == Array(first + 1...first + 75))
        #expect(test.plane.revision == first + 75)
        let page = try test.plane.list(.route, tenant: "acme", ListQuery(limit: 1000))
        #expect(page.resources.count == 76)
        #expect(try await test.store.base.records(after: 0, limit: 1000).map(\.revision) == Array(1...first + 75))
    }

    @Test func `writes that come during a commit share the next one and see each other`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let gate = Gate()
        let entered = Gate()
        test.store.beforeWriting {
            entered.open()
            await gate.pass()
        }
        async let first = test.write(.put(.service, tenant: "acme", name: "a", body: Body.service()))
        await entered.pass()
        let transactions = test.store.writeCount
        // Each needs what the one before it did; they queue in this order since each is queued before the next starts.
        let commands: [WriteCommand] = [
            .put(.service, tenant: "acme", name: "b", body: Body.service()),
            .put(.route, tenant: "acme", name: "b", body: Body.route(path: "/b", service: "b")),
            .delete(.route, tenant: "acme", name: "b"),
            .delete(.service, tenant: "acme", name: "b"),
            .delete(.service, tenant: "acme", name: "b"),
        ]
        var tasks: [Task<WriteOutcome, any Error>] = []
        for (index, command) in commands.enumerated() {
            tasks.append(Task { try await test.write(command) })
            while test.plane.commits.gatheredCount <= index { await Task.yield() }
        }
        gate.open()
        let revision = try await first.revision
        for (index, task) in tasks.enumerated() {
            switch await task.result {
            case .success(let outcome): #expect(outcome.revision == revision + Int64(index) + 1)
            case .failure(let error): #expect(index == 4 && (error as? TurnpikeError)?.code == .notFound)
            }
        }
        #expect(test.store.writeCount == transactions + 2)
    }

    @Test func `where the storage fails nothing changes and everybody hears of it`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let revision = test.plane.revision
        let stream = try test.plane.openStream(worker: try await test.join("gw-1"), from: nil)
        _ = try await stream.nextDelta()
        let before = test.plane.revision
        test.store.failWriting()
        for command in [
            WriteCommand.put(.service, tenant: "acme", name: "orders", body: Body.service(port: 1)),
            .create(.tenant, body: ["name": "globex"]), .delete(.route, tenant: "acme", name: "orders"),
        ] {
            let error = try await refusal { () throws(TurnpikeError) in try await test.write(command) }
            #expect(error.code == .storageFailed)
        }
        #expect(test.plane.revision == before)
        #expect(try test.plane.resource(.service, tenant: "acme", name: "orders").revision < revision)
        #expect(throws: TurnpikeError.self) { try test.plane.resource(.tenant, tenant: nil, name: "globex") }
        test.store.beforeWriting(nil)
        let outcome = try await test.write(.create(.tenant, body: ["name": "globex"]))
        #expect(outcome.revision == before + 1)
    }

    @Test func `a cancelled writer's write is finished all the same`() async throws {
        let test = try await TestPlane.start()
        let gate = Gate()
        let entered = Gate()
        test.store.beforeWriting {
            entered.open()
            await gate.pass()
        }
        let writer = Task { try await test.write(.create(.tenant, body: ["name": "acme"])) }
        await entered.pass()
        writer.cancel()
        gate.open()
        #expect(try await writer.value.effect == .created)
        #expect(try test.plane.resource(.tenant, tenant: nil, name: "acme").key.name == "acme")
    }

    @Test func `a restart finds everything again`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let key = try #require(try await test.write(.create(.apiKey, tenant: "acme", body: ["name": "p"])).resource)
        let again = try await test.restarted()
        #expect(again.plane.revision == test.plane.revision)
        #expect(try again.plane.resource(.apiKey, tenant: "acme", name: key.idText).saysTheSame(as: key))
        let error = try await refusal { () throws(TurnpikeError) in
            try await again.write(.delete(.service, tenant: "acme", name: "orders"))
        }
        #expect(error.code == .stillReferenced)
        #expect(try await again.plane.bootstrapOperator(token: nil) == nil)
    }
}
