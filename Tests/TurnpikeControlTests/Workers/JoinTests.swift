// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct JoinTests {
    @Test func `a join token makes a worker with a credential of its own`() async throws {
        let test = try await TestPlane.start()
        let identity = try await test.joinForIdentity()
        #expect(identity.credential.hasPrefix("tp_wrk_"))
        #expect(identity.name == identity.id)
        #expect(identity.issuedAt == test.clock.now)
        let worker = try test.plane.authenticate(bearer: identity.credential)
        #expect(worker.resource.idText == identity.id)
        let entry = try await test.plane.record(test.plane.revision)
        #expect(entry.actor.hasPrefix("joinToken:jtk_") && entry.source == "192.0.2.7")
        #expect(!worker.resource.document(for: .people).text.contains("digest"))
    }

    @Test func `a name that is taken is refused`() async throws {
        let test = try await TestPlane.start()
        _ = try await test.join("gw-1")
        let error = try await refusal { () throws(TurnpikeError) in try await test.join("gw-1") }
        #expect(error.code == .alreadyExists)
    }

    @Test func `nothing but a join token that still stands lets a worker in`() async throws {
        let test = try await TestPlane.start()
        let created = try await test.write(.create(.joinToken, body: ["kind": "gateway"]))
        let token = try test.plane.authenticate(bearer: try #require(created.secret))
        try await test.write(.delete(.joinToken, name: token.resource.key.name))
        let worker = try await test.join()
        for (principal, code) in [
            (token, ErrorCode.unauthenticated), (test.operator, .forbidden), (worker, .forbidden),
        ] {
            let error = try await refusal { () throws(TurnpikeError) in
                try await test.plane.join(
                    Registration(name: nil, role: .gateway, version: ""), with: principal, requestID: "r")
            }
            #expect(error.code == code)
        }
    }

    @Test func `a rotated credential works at once and the former one for a grace`() async throws {
        let test = try await TestPlane.start()
        let first = try await test.joinForIdentity()
        let worker = try test.plane.authenticate(bearer: first.credential)
        let second = try await test.plane.rotateCredential(of: worker, requestID: "r")
        #expect(second.id == first.id)
        _ = try test.plane.authenticate(bearer: first.credential)
        _ = try test.plane.authenticate(bearer: second.credential)
        test.clock.advance(by: ControlPlane.credentialGrace)
        #expect(throws: TurnpikeError.self) { try test.plane.authenticate(bearer: first.credential) }
        _ = try test.plane.authenticate(bearer: second.credential)
        test.clock.set(second.expiresAt)
        #expect(throws: TurnpikeError.self) { try test.plane.authenticate(bearer: second.credential) }
    }

    @Test func `where answers are lost the credential in use stays good`() async throws {
        let test = try await TestPlane.start()
        let first = try await test.joinForIdentity()
        var last = first
        for _ in 0..<3 {
            let worker = try test.plane.authenticate(bearer: first.credential)
            last = try await test.plane.rotateCredential(of: worker, requestID: "r")
        }
        test.clock.advance(by: ControlPlane.credentialGrace)
        _ = try test.plane.authenticate(bearer: last.credential)
    }

    @Test func `rotating keeps the stream and makes nothing to stream`() async throws {
        let test = try await TestPlane.start()
        let worker = try await test.join()
        let stream = try test.plane.openStream(worker: worker, from: nil)
        _ = try await stream.nextDelta()
        _ = try await test.plane.rotateCredential(of: worker, requestID: "r")
        #expect(try test.plane.rollout(of: test.plane.revision).pending.map(\.id) == [worker.resource.id])
        #expect(test.plane.workerStatus(of: worker.resource.id)?.isConnected == true)
        let error = try await refusal { () throws(TurnpikeError) in
            try await test.plane.rotateCredential(of: test.operator, requestID: "r")
        }
        #expect(error.code == .forbidden)
    }
}
