// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeControl

/// Writes are checked while those before them are being made durable, upon a state that may never come to be.
@Suite struct OverlappingCommitTests {
    /// A plane whose store holds its next transaction back until the gate opens, and then carries it out or not.
    private func heldBack(failing: Bool) async throws -> (test: TestPlane, entered: Gate, gate: Gate) {
        let test = try await TestPlane.start()
        try await test.seed()
        let (entered, gate) = (Gate(), Gate())
        let transactions = Mutex(0)
        test.store.beforeWriting {
            let number = transactions.withLock { count in
                count += 1
                return count
            }
            guard number == 1 else { return }
            entered.open()
            await gate.pass()
            if failing { throw HookedStore.Failure() }
        }
        return (test, entered, gate)
    }

    private func context(_ test: TestPlane, key: String, request: String) -> WriteContext {
        var context = test.context()
        context.idempotencyKey = IdempotencyKey(key, credential: test.token, request: request)
        return context
    }

    @Test func `a failed transaction takes those with it that were checked upon what it was to bring`() async throws {
        let (test, entered, gate) = try await heldBack(failing: true)
        let before = test.plane.revision
        let service = Task { try await test.write(.put(.service, tenant: "acme", name: "b", body: Body.service())) }
        await entered.pass()
        let body = Body.route(path: "/b", service: "b")
        let route = Task { try await test.write(.put(.route, tenant: "acme", name: "b", body: body)) }
        while test.plane.commits.gatheredCount < 1 { await Task.yield() }
        // Refused upon the state that did not come to be, so that the refusal tells nothing.
        let deletion = Task { try await test.write(.delete(.service, tenant: "acme", name: "b")) }
        while test.plane.commits.gatheredCount < 2 { await Task.yield() }
        gate.open()
        for result in [await service.result, await route.result, await deletion.result] {
            let error = #expect(throws: TurnpikeError.self) { try result.get() }
            #expect(error?.code == .storageFailed)
        }
        #expect(test.plane.revision == before)
        #expect(try test.plane.list(.route, tenant: "acme", ListQuery(limit: 10)).resources.count == 1)
        let again = try await test.write(.put(.service, tenant: "acme", name: "b", body: Body.service()))
        #expect(again.revision == before + 1)
    }

    @Test func `pruning goes by what is on its way to the disk, and by what was written while it looked`() async throws
    {
        let (test, entered, gate) = try await heldBack(failing: false)
        func item(_ name: String, labels: Labels) -> JSON {
            ["kind": "service", "tenant": "acme", "name": .string(name), "labels": labels.json, "spec": Body.service()]
        }
        let mine: Labels = ["by": "ci"]
        let first = Task { try await test.apply(["resources": [item("late", labels: mine)]]) }
        await entered.pass()
        // Nothing of the first is in the view yet; and the third takes the labels off again.
        let second = Task {
            try await test.apply(["resources": [item("later", labels: mine), item("spared", labels: mine)]])
        }
        while test.plane.commits.gatheredCount < 1 { await Task.yield() }
        let third = Task { try await test.apply(["resources": [item("spared", labels: [:])]]) }
        while test.plane.commits.gatheredCount < 2 { await Task.yield() }
        let pruning = Task {
            try await test.apply(["resources": [item("kept", labels: mine)], "prune": ["labels": mine.json]])
        }
        while test.plane.commits.gatheredCount < 3 { await Task.yield() }
        gate.open()
        for task in [first, second, third] { _ = try await task.value }
        let changes = try await pruning.value.changes.map { "\($0.effect) \($0.key.name)" }
        #expect(Set(changes) == ["created kept", "deleted later", "deleted late"])
        let left = try test.plane.list(.service, tenant: "acme", ListQuery(limit: 10)).resources.map(\.key.name)
        #expect(left == ["kept", "orders", "spared"])
    }

    @Test func `who has stored a group goes on with the next before anybody is woken`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let before = test.plane.revision
        test.store.holdCommits()
        let first = Task { try await test.write(.put(.service, tenant: "acme", name: "b", body: Body.service())) }
        while test.store.heldCommits < 1 { await Task.yield() }
        let second = Task { try await test.write(.put(.service, tenant: "acme", name: "c", body: Body.service())) }
        while test.plane.commits.gatheredCount < 1 || !test.plane.commits.isAsleep { await Task.yield() }
        test.store.releaseCommit()
        #expect(test.store.heldCommits == 1)
        test.store.releaseCommit()
        #expect(try await [first.value.revision, second.value.revision] == [before + 1, before + 2])
    }

    @Test func `readers see nothing that is not durable`() async throws {
        let (test, entered, gate) = try await heldBack(failing: false)
        let before = test.plane.revision
        let first = Task { try await test.write(.put(.service, tenant: "acme", name: "b", body: Body.service())) }
        await entered.pass()
        let second = Task { try await test.write(.put(.service, tenant: "acme", name: "c", body: Body.service())) }
        while test.plane.commits.gatheredCount < 1 { await Task.yield() }
        #expect(test.plane.revision == before)
        #expect(throws: TurnpikeError.self) { try test.plane.resource(.service, tenant: "acme", name: "b") }
        gate.open()
        #expect(try await [first.value.revision, second.value.revision] == [before + 1, before + 2])
    }

    @Test func `a key that comes again while its write is being made durable is answered by that write`() async throws {
        let (test, entered, gate) = try await heldBack(failing: false)
        let command = WriteCommand.create(.apiKey, tenant: "acme", body: ["name": "k"])
        let first = Task { try await test.plane.write(command, context(test, key: "k", request: "a")) }
        await entered.pass()
        let again = Task { try await test.plane.write(command, context(test, key: "k", request: "a")) }
        while test.plane.commits.gatheredCount < 1 { await Task.yield() }
        let other = Task { try await test.plane.write(command, context(test, key: "k", request: "b")) }
        while test.plane.commits.gatheredCount < 2 { await Task.yield() }
        gate.open()
        let (made, replayed) = (try await first.value, try await again.value)
        #expect(!made.isReplay && replayed.isReplay && made.secret != nil)
        #expect(replayed.secret == made.secret && replayed.revision == made.revision)
        let refused = await other.result
        #expect(throws: TurnpikeError.self) { try refused.get() }
    }

    @Test func `a key whose write failed is free again`() async throws {
        let (test, entered, gate) = try await heldBack(failing: true)
        let command = WriteCommand.create(.apiKey, tenant: "acme", body: ["name": "k"])
        let first = Task { try await test.plane.write(command, context(test, key: "k", request: "a")) }
        await entered.pass()
        let again = Task { try await test.plane.write(command, context(test, key: "k", request: "a")) }
        while test.plane.commits.gatheredCount < 1 { await Task.yield() }
        gate.open()
        for result in [await first.result, await again.result] {
            #expect(throws: TurnpikeError.self) { try result.get() }
        }
        #expect(try await !test.plane.write(command, context(test, key: "k", request: "a")).isReplay)
    }

    /// Writers, each with a tenant of its own, against a store that fails one transaction in four. Whatever was answered is
    /// there, whatever was refused is not, and a restart finds what the running one shows.
    @Test(arguments: 0..<8 as Range<UInt64>)
    func `whatever the storage does, the answers, the log and the view tell the same`(seed: UInt64) async throws {
        let test = try await TestPlane.start()
        for writer in 0..<8 { try await test.seed("t\(writer)", host: "t\(writer).test") }
        let chance = Mutex(SeededGenerator(seed: seed))
        test.store.beforeWriting {
            let (pauses, fails) = chance.withLock {
                (Int.random(in: 0..<4, using: &$0), Int.random(in: 0..<4, using: &$0))
            }
            for _ in 0..<pauses { await Task.yield() }
            if fails == 0 { throw HookedStore.Failure() }
        }
        let answers = await withTaskGroup(of: [Answer].self) { group in
            for writer in 0..<8 {
                group.addTask { await write(as: writer, seed: seed << 8 | UInt64(writer), test) }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        test.store.beforeWriting(nil)

        let records = try await test.store.base.records(after: 0, limit: 10_000)
        #expect(records.map(\.revision) == Array(1...Int64(records.count)))
        #expect(records.allSatisfy { $0.isSealIntact })
        #expect(zip(records, records.dropFirst()).allSatisfy { $1.previousHash == $0.hash })
        let byRequest = Dictionary(grouping: records, by: \.requestID)
        #expect(answers.contains(where: \.isStored) && answers.contains { !$0.isStored })
        for answer in answers {
            let revisions = byRequest[answer.request]?.map(\.revision) ?? []
            #expect(
                revisions == (answer.isStored ? answer.revision.map { [$0] } : nil) ?? [], "\(answer), seed \(seed)")
        }
        let again = try await test.restarted()
        #expect(again.plane.revision == test.plane.revision)
        for writer in 0..<8 {
            for kind in [Kind.service, .route] {
                let documents = try [test.plane, again.plane].map { plane in
                    try plane.list(kind, tenant: "t\(writer)", ListQuery(limit: 1000)).resources.map(\.storedText)
                }
                #expect(documents[0] == documents[1])
            }
        }
    }

    private struct Answer {
        var request: String
        /// `nil` where nothing was to be changed.
        var revision: Revision?
        var isStored: Bool
    }

    private func write(as writer: Int, seed: UInt64, _ test: TestPlane) async -> [Answer] {
        var random = SeededGenerator(seed: seed)
        var answers: [Answer] = []
        for step in 0..<40 {
            let (tenant, name) = ("t\(writer)", "s\(Int.random(in: 0..<4, using: &random))")
            let commands: [WriteCommand] = [
                .put(.service, tenant: tenant, name: name, body: Body.service(port: Int64(step + 1))),
                .put(
                    .route, tenant: tenant, name: name,
                    body: Body.route(host: "\(tenant).test", path: "/\(name)", service: name)),
                .delete(.route, tenant: tenant, name: name), .delete(.service, tenant: tenant, name: name),
            ]
            var context = test.context()
            context.requestID = "\(writer)-\(step)"
            do {
                let outcome = try await test.plane.write(commands[Int.random(in: 0..<4, using: &random)], context)
                answers.append(
                    Answer(
                        request: context.requestID, revision: outcome.effect.map { _ in outcome.revision },
                        isStored: outcome.effect != nil))
            } catch {
                answers.append(Answer(request: context.requestID, revision: nil, isStored: false))
            }
        }
        return answers
    }
}
