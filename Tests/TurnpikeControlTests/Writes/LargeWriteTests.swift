// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeControl

/// Large writes beside small ones.
@Suite struct LargeWriteTests {
    /// Services, enough for a large write.
    private func bundle(_ prefix: String, tenant: String = "acme", port: Int64 = 1) -> JSON {
        let items = (0..<CommitRequest.largeSize).map { number -> JSON in
            [
                "kind": "service", "tenant": .string(tenant), "name": .string("\(prefix)\(number)"),
                "spec": Body.service(port: port),
            ]
        }
        return ["resources": .array(items)]
    }

    private func write(_ name: String, of tenant: String = "acme", on test: TestPlane) -> Task<Revision, any Error> {
        Task { try await test.write(.put(.service, tenant: tenant, name: name, body: Body.service())).revision }
    }

    private func wait(for waiting: Int, gathered: Int, on test: TestPlane) async {
        let commits = test.plane.commits
        while commits.waitingCount != waiting || commits.gatheredCount != gathered || !commits.isAsleep {
            await Task.yield()
        }
    }

    @Test func `a small write waits for no more than one large one`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let before = test.plane.revision
        test.store.holdCommits()
        let first = Task { try await test.apply(bundle("a")).revision }
        while test.store.heldCommits < 1 { await Task.yield() }
        let second = Task { try await test.apply(bundle("b")).revision }
        // Not checked yet, though it was there first: it would be in the way.
        await wait(for: 1, gathered: 0, on: test)
        let small = write("small", on: test)
        await wait(for: 2, gathered: 1, on: test)
        test.store.releaseCommit()
        #expect(try await first.value == before + 1)
        #expect(test.store.heldCommits == 1)
        await wait(for: 1, gathered: 1, on: test)
        test.store.releaseCommit()
        #expect(try await small.value == before + 2)
        while test.store.heldCommits < 1 { await Task.yield() }
        test.store.releaseCommit()
        #expect(try await second.value == before + 3)
    }

    @Test func `small writes that do not end let a large one go between them`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let before = test.plane.revision
        test.store.holdCommits()
        let first = write("a", on: test)
        while test.store.heldCommits < 1 { await Task.yield() }
        let second = write("b", on: test)
        await wait(for: 1, gathered: 1, on: test)
        let large = Task { try await test.apply(bundle("l")).revision }
        await wait(for: 2, gathered: 1, on: test)
        test.store.releaseCommit()
        // The second is on its way to the disk, the large one next.
        await wait(for: 1, gathered: 1, on: test)
        let third = write("c", on: test)
        await wait(for: 2, gathered: 1, on: test)
        for _ in 0..<3 {
            while test.store.heldCommits < 1 { await Task.yield() }
            test.store.releaseCommit()
        }
        #expect(try await [first.value, second.value, large.value, third.value] == Array(before + 1...before + 4))
    }

    @Test func `what was found out before its turn counts only as long as the resource is the same`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        try await test.apply(bundle("s"))
        let before = test.plane.revision
        test.store.holdCommits()
        // Says of one of them what the bundle will say of all.
        let single = Task {
            try await test.write(.put(.service, tenant: "acme", name: "s7", body: Body.service(port: 2))).revision
        }
        while test.store.heldCommits < 1 { await Task.yield() }
        let large = Task { try await test.apply(bundle("s", port: 2)) }
        await wait(for: 1, gathered: 1, on: test)
        test.store.releaseCommit()
        while test.store.heldCommits < 1 { await Task.yield() }
        test.store.releaseCommit()
        #expect(try await single.value == before + 1)
        let outcome = try await large.value
        #expect(outcome.unchanged == 1 && outcome.changes.count == CommitRequest.largeSize - 1)
        #expect(try test.plane.resource(.service, tenant: "acme", name: "s7").revision == before + 1)
        #expect(try test.plane.resource(.service, tenant: "acme", name: "s8").revision == before + 2)
    }

    @Test func `the log has of a prepared update what it would have had of any other`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        try await test.apply(bundle("s"))
        let revision = try await test.apply(bundle("s", port: 2)).revision
        let record = try #require(try await test.store.base.records(after: revision - 1, limit: 1).first)
        #expect(record.changes.count == CommitRequest.largeSize && record.isSealIntact)
        for change in record.changes {
            let (before, after) = try (#require(change.before), #require(change.after))
            #expect(before.revision == revision - 1 && after.revision == revision)
            #expect(change.beforeDocument == before.storedText && change.afterDocument == after.storedText)
            #expect(change.beforeDigest == LogChain.digest(of: before.storedText))
            #expect(change.afterDigest == LogChain.digest(of: after.storedText))
        }
    }

    @Test func `a service that an updated route needs is not deleted beside it`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let error = try await refusal { () throws(TurnpikeError) in
            try await test.apply([
                "resources": [
                    ["kind": "route", "tenant": "acme", "name": "orders", "spec": Body.route(path: "/v2/orders")]
                ],
                "deletes": [["kind": "service", "tenant": "acme", "name": "orders"]],
            ])
        }
        #expect(error.code == .stillReferenced || error.code == .invalidResource)
        #expect(try test.plane.resource(.service, tenant: "acme", name: "orders").key.name == "orders")
    }
}
