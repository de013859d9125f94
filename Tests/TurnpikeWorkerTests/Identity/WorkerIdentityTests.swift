// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeWorker

@Suite struct WorkerIdentityStoreTests {
    @Test func `an identity survives the process, readable by its owner only`() async throws {
        try await withTemporaryDirectory { path in
            let file = path + "/identity.json"
            let store = try WorkerIdentityStore(file: file)
            #expect(store.current == nil)
            try store.adopt(testIdentity)
            #expect(store.current == testIdentity)
            #expect(try WorkerIdentityStore(file: file).current == testIdentity)
            #expect(try permissions(of: file) == 0o600)
            #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["identity.json"])
        }
    }

    @Test(arguments: ["", "{", "{\"id\":\"wrk_1\"}", "[]", "{\"credential\":\"tp_wrk_secret\"}"])
    func `a damaged identity is an error that tells no secret`(content: String) async throws {
        try await withTemporaryDirectory { path in
            let file = path + "/identity.json"
            try write(Array(content.utf8), to: file)
            let error = #expect(throws: DamagedIdentity.self) { try WorkerIdentityStore(file: file) }
            #expect(error?.description.contains("tp_wrk") == false)
        }
    }

    @Test func `a credential that cannot be stored is not used`() async throws {
        try await withTemporaryDirectory { path in
            let folder = path + "/state"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let store = try WorkerIdentityStore(file: folder + "/identity.json")
            try store.adopt(testIdentity)
            try FileManager.default.removeItem(atPath: folder)
            var renewed = testIdentity
            renewed.credential = "second"
            #expect(throws: FileFailure.self) { try store.adopt(renewed) }
            #expect(store.current == testIdentity)
        }
    }

    @Test func `a credential is renewed at half of its lifetime`() {
        #expect(testIdentity.renewal == Timestamp(seconds: 1_000_000 + 3600))
    }
}

@Suite struct EnrolmentTests {
    private func enrol(_ client: ControlPlaneClient) -> Enrolment {
        Enrolment(
            client: client, store: client.identities,
            registration: Registration(name: "edge-1", role: .gateway, version: workerVersion), backOff: quickBackOff,
            logger: quietLogger
        )
    }

    @Test func `a join token is exchanged for an identity, once`() async throws {
        try await withTemporaryDirectory { path in
            try await FakeControlPlane.run(answering: { _ in .json(201, testIdentity.json) }) { fake in
                try await withClient(of: fake, in: path, identity: nil) { client in
                    let identity = try await enrol(client).identity(joinToken: "tp_join_x")
                    #expect(identity == testIdentity)
                    #expect(try WorkerIdentityStore(file: path + "/identity.json").current == testIdentity)
                    #expect(fake.requests.map(\.target) == ["/v1/workers"])
                    #expect(fake.requests.first?.bearer == "tp_join_x")
                    #expect(fake.requests.first?.body["kind"] == "gateway")
                    #expect(try await enrol(client).identity(joinToken: "tp_join_x") == testIdentity)
                    #expect(fake.requests.count == 1)
                }
            }
        }
    }

    @Test func `a refused token ends the attempt with the control plane's reason`() async throws {
        try await withTemporaryDirectory { path in
            try await FakeControlPlane.run(answering: { _ in .problem(401, "The token has expired.") }) { fake in
                try await withClient(of: fake, in: path, identity: nil) { client in
                    let error = await #expect(throws: EnrolmentFailure.self) {
                        try await enrol(client).identity(joinToken: "tp_join_x")
                    }
                    #expect(error?.description.contains("The token has expired.") == true)
                    #expect(fake.requests.count == 1)
                }
            }
        }
    }

    @Test func `a control plane that is busy is asked again`() async throws {
        let answers = Countdown(3)
        try await withTemporaryDirectory { path in
            try await FakeControlPlane.run(answering: { _ in
                answers.isOver ? .json(201, testIdentity.json) : .problem(503, "busy")
            }) { fake in
                try await withClient(of: fake, in: path, identity: nil) { client in
                    let identity = try await enrol(client).identity(joinToken: "t")
                    #expect(identity == testIdentity)
                    #expect(fake.requests.count == 4)
                }
            }
        }
    }

    @Test func `a worker without identity and token is told what it lacks`() async throws {
        try await withTemporaryDirectory { path in
            try await FakeControlPlane.run(answering: { _ in .hangUp }) { fake in
                try await withClient(of: fake, in: path, identity: nil) { client in
                    let error = await #expect(throws: EnrolmentFailure.self) {
                        try await enrol(client).identity(joinToken: nil)
                    }
                    #expect(error?.description.contains("join token") == true)
                }
            }
        }
    }

    @Test func `the renewed credential is on disk before it is used`() async throws {
        var renewed = testIdentity
        renewed.credential = "second"
        renewed.issuedAt = testIdentity.renewal
        renewed.expiresAt = testIdentity.renewal.advanced(by: .seconds(7200))
        let answer = renewed.json
        try await withTemporaryDirectory { path in
            try await FakeControlPlane.run(answering: { request in
                request.call == "credential" ? .json(200, answer) : .empty(204)
            }) { fake in
                try await withClient(of: fake, in: path) { client in
                    let (looks, look) = AsyncStream<String?>.makeStream()
                    let renewing = Task { [enrolment = enrol(client)] in
                        await enrolment.renew {
                            look.yield(client.identities.current?.credential)
                            return testIdentity.renewal.advanced(by: .seconds(1))
                        }
                    }
                    for await credential in looks where credential == "second" { break }
                    #expect(try WorkerIdentityStore(file: path + "/identity.json").current?.credential == "second")
                    try await client.acknowledge(Acknowledgement(revision: 1))
                    renewing.cancel()
                    await renewing.value
                    #expect(fake.requests.map(\.bearer) == ["first", "second"])
                }
            }
        }
    }
}
