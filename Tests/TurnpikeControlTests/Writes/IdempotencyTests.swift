// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@testable import TurnpikeControl

@Suite struct IdempotencyTests {
    private func context(_ test: TestPlane, _ key: String, request: String) -> WriteContext {
        var context = test.context()
        context.idempotencyKey = IdempotencyKey(key, credential: test.token, request: request)
        return context
    }

    @Test func `a deletion by id is answered again as it was, though the id is gone`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let id = try test.plane.resource(.route, tenant: "acme", name: "orders").idText
        let command = WriteCommand.delete(.route, tenant: "acme", name: id)
        let first = try await test.plane.write(command, context(test, "k", request: "DELETE"))
        let again = try await test.plane.write(command, context(test, "k", request: "DELETE"))
        #expect(!first.isReplay && again.isReplay)
        #expect(first.effect == .deleted && again.effect == .deleted && first.revision == again.revision)
        // Under another key it is what it would be without one.
        for context in [context(test, "other", request: "DELETE"), test.context()] {
            let error = try await refusal { () throws(TurnpikeError) in try await test.plane.write(command, context) }
            #expect(error.code == .notFound)
        }
    }

    @Test(arguments: [false, true])
    func `a write that changes nothing is kept too, and its key serves no other`(isRestarted: Bool) async throws {
        var test = try await TestPlane.start()
        try await test.seed()
        let same = WriteCommand.put(.service, tenant: "acme", name: "orders", body: Body.service())
        let first = try await test.plane.write(same, context(test, "k", request: "same"))
        #expect(first.effect == nil && !first.isReplay)
        // What is written later does not change what was answered then.
        try await test.write(.put(.service, tenant: "acme", name: "orders", body: Body.service(port: 7)))
        if isRestarted { test = try await test.restarted() }
        let again = try await test.plane.write(same, context(test, "k", request: "same"))
        #expect(again.isReplay && again.effect == nil && again.revision == first.revision)
        #expect(
            again.resource?.publicBody == first.resource?.publicBody
                && again.resource?.revision == first.resource?.revision)
        let other = WriteCommand.put(.service, tenant: "acme", name: "orders", body: Body.service(port: 8))
        let error = try await refusal { [test] () throws(TurnpikeError) in
            try await test.plane.write(other, context(test, "k", request: "other"))
        }
        #expect(error.code == .idempotencyKeyReused)
    }

    @Test func `a bundle that changes nothing is kept, and nothing is told that is not durable`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let bundle = try Bundle(json: ["deletes": [["kind": "quota", "tenant": "acme", "name": "nope"]]])
        test.store.failWriting()
        let refused = try await refusal { () throws(TurnpikeError) in
            try await test.plane.apply(bundle, context(test, "k", request: "a"))
        }
        #expect(refused.code == .storageFailed)
        test.store.beforeWriting(nil)
        #expect(try await !test.plane.apply(bundle, context(test, "k", request: "a")).isReplay)
        let again = try await test.plane.apply(bundle, context(test, "k", request: "a"))
        #expect(again.isReplay && again.changes.isEmpty)
    }
}
